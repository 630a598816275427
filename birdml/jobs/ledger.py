"""Who has trained what, by the tracking store; and models trained one after another by it."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from birdml.jobs.model_run import train_model
from birdml.jobs.request import TrainRequest
from birdml.tracking import runs
from birdml.tracking.claims import Claim, Claims
from birdml.training.zoo_run import Outcome, run_zoo

if TYPE_CHECKING:
    from birdml.tracking.client import Store


class StoreLedger:
    """The ledger of `run_zoo` in a tracking store; waits where the store is away for a while."""

    def __init__(self, client: "Store", request: TrainRequest):
        self.client, self.request = client, request
        self.claims = Claims(client, request.dataset.digest)
        self.attempts_before = {
            name: self.claims.outcome(identity)[0] for name, identity in request.identities.items()
        }
        self._runs = runs.FinishedRuns(client, request.dataset.digest, request.identities.values())
        self._finished: set[str] = set()
        self._asked = float("-inf")

    def finished(self, name: str) -> bool:
        """Whether the store holds a finished run of this request (asked again every second)."""
        if time.monotonic() - self._asked > 1:
            there = self._runs.by_identity()
            self._finished = {i for i, r in there.items() if "birdml.model_version" in r.data.tags}
            self._asked = time.monotonic()
        return self.request.identities[name] in self._finished

    def failed(self, name: str) -> str:
        """Why a model failed in other hands since this process began."""
        attempt, how = self.claims.outcome(self.request.identities[name])
        if how != "failed" or attempt <= self.attempts_before[name]:
            return ""
        return "failed in another process"

    def claim(self, name: str) -> Claim | None:
        """The right to train a model, or None while somebody else has it or it is done."""
        claim = self.claims.claim(self.request.identities[name])
        if claim is not None:
            self._asked = float("-inf")  # it may have been finished just before it was free
            if self.finished(name):
                claim.end("finished")
                return None
        return claim


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
    return run_zoo(names, needs, ledger, train_one, report or print_outcome)


def print_outcome(name: str, outcome: Outcome) -> None:
    """One line for people."""
    print(in_words(name, outcome), flush=True)


def in_words(name: str, outcome: Outcome) -> str:
    """What became of a model, as every executor says it."""
    words = {
        "finished": "trained",
        "there": "is there already: nothing to do",
        "failed": f"FAILED: {outcome.reason}",
        "blocked": f"not trained: {outcome.reason}",
    }
    return f"{name}: {words[outcome.state]}"
