"""Many models in order: teachers first, shared with whoever else trains from the same store.

The store is the only meeting point: what is finished there is done, what another process has
claimed is left to it, and what it leaves behind is taken over.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Outcome:
    """What became of one model: `finished` (here), `there` (before, or elsewhere), `failed`, or
    `blocked` by a need that failed; `reason` in words."""

    state: str
    reason: str = ""

    def in_words(self, name: str) -> str:
        """What became of a model, as every executor says it."""
        words = {
            "finished": "trained",
            "there": "is there already: nothing to do",
            "failed": f"FAILED: {self.reason}",
            "blocked": f"not trained: {self.reason}",
        }
        return f"{name}: {words[self.state]}"


class Ledger(Protocol):
    """What is known of each model by everybody who trains."""

    def finished(self, name: str) -> bool:
        """Whether the model has been trained to its end."""

    def failed(self, name: str) -> str:
        """Why another process gave the model up since this one began; '' if none did."""

    def claim(self, name: str) -> Any:
        """The right to train a model, or None while somebody else has it."""


def run_zoo(
    names: Sequence[str],
    needs: Mapping[str, Sequence[str]],
    ledger: Ledger,
    train_one: Callable[[str, Any], bool],
    report: Callable[[str, Outcome], None],
    poll: float = POLL_SECONDS,
) -> dict[str, Outcome]:
    """Trains every model once, wherever; goes on where one fails, and says what it holds up.

    `train_one(name, claim)` trains and ends the claim; it returns whether it came to the end, which
    it does not where another process took the claim over; an Exception of its own is that model's
    failure. `names` holds the needs too, needs first (`zoo.plan`).
    """
    outcomes: dict[str, Outcome] = {}

    def record(name: str, state: str, reason: str = "") -> None:
        outcomes[name] = Outcome(state, reason)
        report(name, outcomes[name])

    while len(outcomes) < len(names):
        progressed = False
        for name in names:
            if name in outcomes:
                continue
            missing = [need for need in needs[name] if need not in outcomes]
            broken = [
                need
                for need in needs[name]
                if need in outcomes and outcomes[need].state in ("failed", "blocked")
            ]
            if broken:
                record(name, "blocked", f"needs {', '.join(broken)}")
            elif ledger.finished(name):
                record(name, "there")
            elif reason := ledger.failed(name):
                record(name, "failed", reason)
            elif missing or (claim := ledger.claim(name)) is None:
                continue
            else:
                try:
                    if train_one(name, claim):
                        record(name, "finished")
                except Exception as error:
                    record(name, "failed", " ".join(str(error).split()) or type(error).__name__)
            progressed = True
        if not progressed:
            time.sleep(poll)  # all that is left is in other hands
    return outcomes
