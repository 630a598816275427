"""Models trained one after the other in this process, each unless somebody else is at it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from birdml.jobs.model_run import train_model
from birdml.jobs.request import TrainRequest
from birdml.tracking.claims import Claim
from birdml.tracking.ledger import StoreLedger
from birdml.training.zoo_run import Outcome, run_zoo

if TYPE_CHECKING:
    from birdml.tracking.client import Store


def train_models(
    client: "Store",
    request: TrainRequest,
    ledger: StoreLedger,
    names: Sequence[str],
    handed: bool,
    report: Callable[[str, Outcome], None] | None = None,
) -> dict[str, Outcome]:
    """Trains models in this process, each unless it is there or somebody else is at it.

    `names` holds the needs too, but for those that are known to be trained. `handed`: the first
    uses the run that `mlflow run` opened. `report` is told each outcome; without it, they are
    printed.
    """

    def train_one(name: str, claim: Claim) -> bool:
        return train_model(client, request, name, claim, handed)

    needs = {name: [n for n in request.recipes[name].needs if n in names] for name in names}
    return run_zoo(names, needs, ledger, train_one, report or _print)


def _print(name: str, outcome: Outcome) -> None:
    print(outcome.in_words(name), flush=True)
