"""Runs of models, found by the dataset and by what was asked."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from birdml.tracking import registry
from birdml.tracking.experiments import all_experiments

if TYPE_CHECKING:
    from mlflow.entities import Run

    from birdml.tracking.client import Store

ENSEMBLE = "ensemble"  # the family of runs that are no single model
ORDER = ("audio", "meta", "combined")  # of families; others come after them
IDS = 100  # runs asked for by their ids in one request
CLOCKS_APART = 3600.0  # seconds by which the clocks of machines that share a store may differ


@dataclass(frozen=True)
class TrackedModel:
    """A finished run of one model."""

    name: str
    run_id: str
    family: str
    identity: str
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    model_version: str = ""  # in the registry, as birdml-<name>


def search(client: "Store", query: str) -> "list[Run]":
    """All active runs that match, newest first, over every active experiment."""
    found: list[Run] = []
    token = None
    experiments = all_experiments(client)
    while True:
        page = client.search_runs(
            experiments,
            query,
            max_results=1000,
            order_by=["attributes.start_time DESC"],
            page_token=token,
        )
        found += page
        token = page.token
        if not token:
            return found


def tracked(run: "Run", version: str = "") -> TrackedModel:
    """What a run of a model says of itself; `version` in the registry."""
    tags = run.data.tags
    return TrackedModel(
        name=tags["birdml.model"],
        run_id=run.info.run_id,
        family=tags["birdml.family"],
        identity=tags.get("birdml.identity", ""),
        metrics=dict(run.data.metrics),
        tags=dict(tags),
        params=dict(run.data.params),
        model_version=version or tags.get("birdml.model_version", ""),
    )


def by_ids(client: "Store", run_ids: Sequence[str]) -> "dict[str, Run]":
    """Active runs by their ids; those that are gone are left out."""
    found: dict[str, Run] = {}
    for begin in range(0, len(run_ids), IDS):
        listed = ", ".join(f"'{run_id}'" for run_id in run_ids[begin : begin + IDS])
        for run in search(client, f"attributes.run_id IN ({listed})"):
            found[run.info.run_id] = run
    return found


def finished_on(dataset_digest: str) -> str:
    """A query for the finished runs on a dataset."""
    return f"tags.`birdml.dataset_digest` = '{dataset_digest}' and attributes.status = 'FINISHED'"


def _registered(run: "Run") -> bool:
    return bool(run.data.tags.get("birdml.model_version"))


class FinishedRuns:
    """The finished runs on a dataset by identity, as they become more.

    The first look fetches all, the next ones only those that ended since: a full store answers
    whoever waits for a model every second.
    """

    def __init__(self, client: "Store", dataset_digest: str, wanted: Collection[str] = ()):
        """`wanted`: identities whose versions are looked for in the registry."""
        self.client = client
        self._wanted = frozenset(wanted)
        self.query = finished_on(dataset_digest)
        self._found: dict[str, Run] = {}
        self._seen_until = 0  # ms since 1970

    def by_identity(self) -> "dict[str, Run]":
        """Identity -> the newest finished run of that request, a registered one if there is one."""
        now = time.time()
        ended = search(self.client, f"{self.query} and attributes.end_time >= {self._seen_until}")
        for run in reversed(ended):
            tags = run.data.tags
            identity = tags.get("birdml.identity", "")
            if identity in self._wanted and not registry.version_of(self.client, run):
                tags.pop("birdml.model_version", None)  # gone from the registry, for good
            if _registered(run) or identity not in self._found:
                self._found[identity] = run
        self._seen_until = int(1000 * (now - CLOCKS_APART))
        return self._found


def finished_run(client: "Store", identity: str) -> TrackedModel | None:
    """The finished run of exactly this request, if there is one."""
    for run in search(
        client,
        f"tags.`birdml.identity` = '{identity}' and attributes.status = 'FINISHED'",
    ):
        if _registered(run) and (version := registry.version_of(client, run)):
            return tracked(run, version)
    return None


def registered_folder(client: "Store", identity: str) -> Path:
    """The folder of the registered model of exactly this request; RuntimeError where it is gone."""
    found = finished_run(client, identity)
    if found is None:
        raise RuntimeError(f"the model of the request {identity} is not in the store any more")
    uri = f"models:/birdml-{found.name}/{found.model_version}"
    return registry.load_registered(client, uri)


def unfinished_runs(client: "Store", identity: str) -> "list[Run]":
    """Runs of exactly this request that did not come to their end, newest first."""
    return search(
        client,
        f"tags.`birdml.identity` = '{identity}' and attributes.status != 'FINISHED'",
    )


def finish_killed(client: "Store", identity: str) -> bool:
    """Whether what makes this very model was killed when it had a version already, and only its run
    did not know: the run is brought to its end."""
    for run in unfinished_runs(client, identity):
        if registry.version_left(client, run.info.run_id, dict(run.data.metrics)):
            client.set_terminated(run.info.run_id, "FINISHED")
            return True
    return False
