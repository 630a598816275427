"""The tracking store that commands are given: each request whole, tried again while it is away.

This module imports mlflow, which takes a second: `store.connect` imports it when a store is needed.
"""

import contextlib
import functools
import time
from collections.abc import Iterable, Mapping
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run
from mlflow.entities.model_registry import ModelVersion

from birdml.tracking.faults import disk_in_words
from birdml.tracking.interrupts import in_one_piece
from birdml.tracking.retry import retry

__all__ = ["Metric", "ModelVersion", "Run", "Store"]
BATCH = 1000  # metrics that a store takes in one request


class Store(MlflowClient):
    """A client of one tracking store, and what commands ask of it beyond MLflow's own requests.

    Where a server is away, or a database locked, its requests wait as `retry` does, but in blocks
    that say `at_once`. A server finishes what it was asked by itself; a request to a database that
    this process opens is not interrupted. UserError where files can't be written.
    """

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name.startswith("_") or not callable(value) or name in OWN:
            return value

        @functools.wraps(value)
        def request(*args: Any, **kwargs: Any) -> Any:
            uri = super(Store, self).__getattribute__("tracking_uri")
            served = uri.startswith(("http://", "https://"))
            with contextlib.nullcontext() if served else in_one_piece(), disk_in_words(uri):
                return value(*args, **kwargs)

        @functools.wraps(value)
        def patient(*args: Any, **kwargs: Any) -> Any:
            return retry(lambda: request(*args, **kwargs))

        return patient

    def metrics(self, run_id: str) -> dict[str, float]:
        """The last value of each metric of a run."""
        return dict(self.get_run(run_id).data.metrics)

    def tag(self, run_id: str, key: str) -> str:
        """A tag of a run; '' where it has none of that name."""
        return self.get_run(run_id).data.tags.get(key, "")

    def log_settings(self, run_id: str, settings: Mapping[str, object]) -> None:
        """Settings as params `cfg.<name>` of a run."""
        params = [Param(f"cfg.{key}", str(value)) for key, value in settings.items()]
        self.log_batch(run_id, params=params)

    def log_changed_metrics(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Metrics whose last value is another: a run that went on after a kill has some."""
        there, now = self.metrics(run_id), int(time.time() * 1000)
        changed = [Metric(k, v, now, 0) for k, v in metrics.items() if there.get(k) != v]
        self.log_batch(run_id, metrics=changed)

    def log_curve(self, run_id: str, key: str, values: Iterable[float]) -> None:
        """A metric over steps 0, 1, 2, ..."""
        now = int(time.time() * 1000)
        points = [Metric(key, float(value), now, step) for step, value in enumerate(values)]
        for begin in range(0, len(points), BATCH):
            self.log_batch(run_id, metrics=points[begin : begin + BATCH])

    def curve(self, run_id: str, key: str) -> list[Metric]:
        """A metric over steps, in order; a step that was done again counts once."""
        history = sorted(self.get_metric_history(run_id, key), key=lambda m: m.step)
        return list({m.step: m for m in history}.values())

    def versions_of(self, run_id: str) -> list[ModelVersion]:
        """Versions in the registry that came of a run."""
        return list(self.search_model_versions(f"run_id = '{run_id}'"))


# Made of requests, each of which waits by itself.
OWN = frozenset(name for name in vars(Store) if not name.startswith("_"))
