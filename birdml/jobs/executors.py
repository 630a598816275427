"""Who trains the models of a request: this process, several processes, or a Ray cluster."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from birdml.jobs.in_turn import train_models
from birdml.jobs.request import TrainOptions, TrainRequest
from birdml.tracking.handed import handed_run
from birdml.tracking.ledger import StoreLedger
from birdml.training.zoo_run import Outcome

if TYPE_CHECKING:
    from birdml.tracking.client import Store

Executor = Callable[[TrainOptions, TrainRequest, "Store", StoreLedger], dict[str, Outcome]]


def executor_of(options: TrainOptions, models: int) -> Executor:
    """What trains so many models as the options ask for it; who watches is shown a live table."""
    if options.executor == "ray":
        from birdml.jobs.ray_cluster import train_on_ray

        return train_on_ray
    if models > 1 and (options.jobs > 1 or sys.stdout.isatty()):
        from birdml.jobs.workers import train_in_workers

        return train_in_workers
    return _train_here


def _train_here(
    options: TrainOptions, request: TrainRequest, client: "Store", ledger: StoreLedger
) -> dict[str, Outcome]:
    handed = handed_run() is not None
    return train_models(client, request, ledger, list(request.recipes), handed)
