"""Who trains what: claims that hold between processes and machines.

Invariant: a parameter of an MLflow run can be written once; of any number of racing writers one
wins (tags and aliases do not promise that). So a claim is a parameter `<identity>.<attempt>` of
one run for each dataset that all share; which run that is, is a parameter of the first run of
claims of the store. A parameter cannot be taken back: a claim ends by the tag
`end.<identity>.<attempt>`, or when its owner's heartbeat, the tag `beat.<identity>.<attempt>`,
stands still; then the next attempt's parameter is up for the race. An owner that was only asleep
finds that attempt at its next look (`Claim.lost`) and leaves the work to the new one.
"""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from birdml.tracking.processes import gone, this_process
from birdml.tracking.retry import at_once

if TYPE_CHECKING:
    from mlflow.entities import RunData

    from birdml.tracking.client import Store

EXPERIMENT = "birdml-claims"
NOTE = "Bookkeeping of `train`: which process trains what. Nothing to look at, nothing to delete."
CREATOR = "birdml.creator"
DATASET = "birdml.board"  # a tag of a run of claims: the digest of its dataset
LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 10.0
EXPIRY_SECONDS = 60.0  # without a new heartbeat, an owner on another machine is taken for dead


class Claim:
    """A claim that is ours; a thread sends its heartbeats until it is ended."""

    def __init__(self, claims: "Claims", identity: str, attempt: int):
        self.claims, self.identity, self.attempt = claims, identity, attempt
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._heartbeat, daemon=True)
        self._thread.start()

    def _heartbeat(self) -> None:
        beats = 0
        while not self._ended.wait(self.claims.heartbeat_seconds if beats else 0):
            beats += 1
            # A server that is away for a while is the recorder's concern.
            with contextlib.suppress(Exception), at_once():
                self.claims.client.set_tag(
                    self.claims.run_id, f"beat.{self.identity}.{self.attempt}", str(beats)
                )

    def lost(self) -> bool:
        """Whether another process took the claim over, because ours was silent for too long."""
        params = self.claims.client.get_run(self.claims.run_id).data.params
        return f"{self.identity}.{self.attempt + 1}" in params

    def end(self, how: str) -> None:
        """Gives the claim up; `how` (finished, failed, interrupted) is for people to read."""
        self._ended.set()
        self.claims.forget()  # no heartbeat follows, whatever becomes of the next line
        self._thread.join(timeout=self.claims.heartbeat_seconds)
        self.claims.client.set_tag(self.claims.run_id, f"end.{self.identity}.{self.attempt}", how)


class Claims:
    """The run that holds every claim on models of one dataset.

    What it says is asked for once in `LOOK_SECONDS`, however many models are asked about: who
    races for a claim on old knowledge loses, and asks again. `clock` is monotonic seconds; only
    differences on this machine count, so clocks of different machines need not agree.
    """

    def __init__(
        self,
        client: "Store",
        dataset_digest: str = "",
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        expiry_seconds: float = EXPIRY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.client = client
        self.heartbeat_seconds, self.expiry_seconds, self.clock = (
            heartbeat_seconds,
            expiry_seconds,
            clock,
        )
        self.owner = f"{this_process()}/{uuid.uuid4().hex}"
        self._seen: dict[str, tuple[str, float]] = {}  # claim -> last beat, when it was new to us
        self.run_id = _claims_run(client, dataset_digest)
        self._data: RunData | None = None
        self._asked = float("-inf")

    def look(self) -> "RunData":
        """Params and tags of the run, at most `LOOK_SECONDS` old."""
        now = self.clock()
        if self._data is None or now - self._asked >= LOOK_SECONDS:
            self._data, self._asked = self.client.get_run(self.run_id).data, now
        return self._data

    def forget(self) -> None:
        """Makes the next look a new one: something was written."""
        self._data = None

    def living(self, identity: str) -> bool:
        """Whether somebody, as far as can be told from here, is at work on a request."""
        data = self.look()
        attempt = _attempts(identity, data.params)
        return attempt > 0 and self._alive(f"{identity}.{attempt}", data.params, data.tags)

    def outcome(self, identity: str) -> tuple[int, str]:
        """How many attempts there were at a request, and how the last one ended."""
        data = self.look()
        attempt = _attempts(identity, data.params)
        return attempt, data.tags.get(f"end.{identity}.{attempt}", "")

    def claim(self, identity: str) -> Claim | None:
        """Our claim on a request, or None while a living owner has it."""
        from mlflow.exceptions import MlflowException

        data = self.look()
        attempt = _attempts(identity, data.params) + 1
        if attempt > 1 and self._alive(f"{identity}.{attempt - 1}", data.params, data.tags):
            return None
        key = f"{identity}.{attempt}"
        self.forget()
        try:
            self.client.log_param(self.run_id, key, self.owner)
        except MlflowException:
            # Another process was faster, or the answer to our own writing got lost.
            held = self.client.get_run(self.run_id).data.params.get(key)
            if held is None:
                raise
            if held != self.owner:
                return None
        return Claim(self, identity, attempt)

    def _alive(self, claim: str, params: dict[str, str], tags: dict[str, str]) -> bool:
        if f"end.{claim}" in tags:
            return False
        if gone(params[claim].rpartition("/")[0]):
            return False  # no need to wait for silence
        beat, now = tags.get(f"beat.{claim}", ""), self.clock()
        last, since = self._seen.get(claim, (None, now))
        if beat != last:
            since = now
        self._seen[claim] = (beat, since)
        return now - since < self.expiry_seconds


def _attempts(identity: str, params: dict[str, str]) -> int:
    attempt = 0
    while f"{identity}.{attempt + 1}" in params:
        attempt += 1
    return attempt


def _claims_run(client: "Store", dataset_digest: str) -> str:
    """The run of claims of a dataset: who first writes it into the first one of all has made it."""
    from mlflow.exceptions import MlflowException

    first = _first_run(client)
    if not dataset_digest:
        return first
    key = f"board.{dataset_digest}"
    run = client.get_run(first)
    if known := run.data.params.get(key):
        return known
    query = f"tags.`{DATASET}` = '{dataset_digest}'"
    # one that was made, and its maker killed before it could write it down
    left = client.search_runs([run.info.experiment_id], query, max_results=1)
    if left:
        made = left[0].info.run_id
    else:
        about = f"{NOTE} On the dataset {dataset_digest}."
        tags = {"mlflow.note.content": about, DATASET: dataset_digest}
        made = client.create_run(run.info.experiment_id, run_name="claims", tags=tags).info.run_id
    client.set_terminated(made, "FINISHED")
    try:
        client.log_param(first, key, made)
    except MlflowException:  # another process was faster, or the answer got lost
        known = client.get_run(first).data.params.get(key)
        if known is None:
            raise
        if known != made and not left:
            client.delete_run(made)
        return known
    return made


def _first_run(client: "Store", patience: float = 20.0) -> str:
    """The first run of claims of a store. An experiment's name is unique: its creator makes it.

    Where a creator died before it made the run, the next name in line is tried.
    """
    from mlflow.exceptions import MlflowException

    generation = 1
    while True:
        name = EXPERIMENT if generation == 1 else f"{EXPERIMENT}-{generation}"
        try:
            experiment_id = client.create_experiment(
                name, tags={"mlflow.note.content": NOTE, CREATOR: this_process()}
            )
        except MlflowException:
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                raise
            creator = experiment.tags.get(CREATOR, "unknown/0/unknown")
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                left = gone(creator)  # before we look for what it did last
                runs = client.search_runs(
                    [experiment.experiment_id], order_by=["attributes.start_time ASC"]
                )
                if runs:
                    if runs[0].info.status == "RUNNING":
                        client.set_terminated(runs[0].info.run_id, "FINISHED")
                    return runs[0].info.run_id
                if left:
                    break
                time.sleep(0.2)
            generation += 1
            continue
        run = client.create_run(
            experiment_id, run_name="claims", tags={"mlflow.note.content": NOTE}
        )
        client.set_terminated(run.info.run_id, "FINISHED")
        return run.info.run_id
