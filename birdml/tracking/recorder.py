"""What a training reports, written to its run; a server that is away for a while loses nothing.

Invariant: the tag `birdml.checkpoint` names a checkpoint that is whole and holds the figures of all
its epochs. Figures are sent after it; what a kill between the two left out is sent at the next
start. So the run has each epoch once, as the training that goes on remembers it.
Figures that could not be sent wait here, and the newest checkpoint with them; both go out with the
next epoch, or at the end.
"""

import contextlib
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from birdml.tracking.retry import at_once, is_away

if TYPE_CHECKING:
    from birdml.tracking.client import Store
    from birdml.training.checkpoint import Checkpoint

logger = logging.getLogger(__name__)
TAG = "birdml.checkpoint"
FOLDER = "checkpoint"
NO_FIGURES = ("epoch", "verdict", "trial")  # in a record of a training's history


class ClaimLost(Exception):
    """Another process has taken this training over."""


class RunRecorder:
    """The recorder of `training.trainer` for one MLflow run.

    `lost` says whether another process has taken the run over: asked before anything is written.
    """

    def __init__(self, client: "Store", run_id: str, lost: Callable[[], bool] = lambda: False):
        self.client, self.run_id, self.lost = client, run_id, lost
        self.pending: list = []  # figures that are not in the store yet
        self.newest: tuple[int, Checkpoint] | None = None
        self.stored: str = ""
        self._sent: set[tuple[str, int]] = set()  # figures that a training afresh would send again

    def resume(self) -> "Checkpoint | None":
        """The checkpoint of a run that did not come to its end, with its figures complete."""
        from birdml.training.checkpoint import load_checkpoint

        self.stored = self.client.get_run(self.run_id).data.tags.get(TAG, "")
        if not self.stored:
            return None
        try:
            with tempfile.TemporaryDirectory() as scratch:
                path = f"{FOLDER}/{self.stored}"
                state = load_checkpoint(self.client.download_artifacts(self.run_id, path, scratch))
        except Exception as error:
            if is_away(error):
                raise
            self._sent = self._sent_steps()
            why = " ".join(str(error).split())[:200]
            afresh = "run %s: its checkpoint %s can't be read, so it starts afresh (%s)"
            logger.warning(afresh, self.run_id, self.stored, why)
            return None
        self.pending = self._unsent(state.history)
        return state

    def _unsent(self, history: list[dict]) -> list:
        """The figures of a history that the run does not hold."""
        from mlflow.entities import Metric

        keys = [key for key in history[-1] if key not in NO_FIGURES]
        now = int(time.time() * 1000)
        unsent = []
        for key in keys:
            sent = {m.step for m in self.client.get_metric_history(self.run_id, key)}
            unsent += [
                Metric(key, record[key], now, record["epoch"])
                for record in history
                if record["epoch"] not in sent
            ]
        return unsent

    def _sent_steps(self) -> set[tuple[str, int]]:
        """Every figure of an epoch that the run holds."""
        keys = self.client.get_run(self.run_id).data.metrics
        return {
            (key, m.step) for key in keys for m in self.client.get_metric_history(self.run_id, key)
        }

    def epoch(self, metrics: dict[str, float], state: "Checkpoint") -> None:
        """Sends an epoch's figures and state; where no server answers, keeps them for later."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self.pending += [
            Metric(key, value, now, state.epoch)
            for key, value in metrics.items()
            if (key, state.epoch) not in self._sent
        ]
        self.newest = (state.epoch, state)
        try:
            with at_once():  # a training does not wait for its store
                self._send()
        except Exception as error:
            if not is_away(error):
                raise
            reason = type(error).__name__
            logger.warning("the tracking server is away (%s); sent later", reason)

    def finish(self) -> None:
        """Sends what still waits, for as long as it takes a server to come back."""
        self._send()

    def clear(self) -> None:
        """Deletes the checkpoints: the run has come to its end."""
        self._delete(FOLDER)
        if TAG in self.client.get_run(self.run_id).data.tags:
            self.client.delete_tag(self.run_id, TAG)

    def _send(self) -> None:
        if self.lost():
            raise ClaimLost
        if self.newest is not None:
            self._store(*self.newest)
            self.newest = None
        for begin in range(0, len(self.pending), 500):
            self.client.log_batch(self.run_id, metrics=self.pending[begin : begin + 500])
        self.pending = []

    def _store(self, epoch: int, state: "Checkpoint") -> None:
        from birdml.training.checkpoint import save_checkpoint

        name = f"epoch-{epoch}.safetensors"
        with tempfile.TemporaryDirectory() as folder:
            save_checkpoint(Path(folder) / name, state)
            self.client.log_artifact(self.run_id, str(Path(folder) / name), FOLDER)
        self.client.set_tag(self.run_id, TAG, name)
        before, self.stored = self.stored, name
        if before and before != name:
            self._delete(f"{FOLDER}/{before}")

    def _delete(self, path: str) -> None:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        # Housekeeping: what a server does not let us remove stays, and no training fails for it.
        with contextlib.suppress(Exception):
            uri = self.client.get_run(self.run_id).info.artifact_uri
            get_artifact_repository(uri).delete_artifacts(path)
