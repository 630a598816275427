"""When a training goes back to its best state, and when it ends."""

import math
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["better", "worse", "back", "end"]


@dataclass
class Patience:
    """Counts epochs without a better criterion (lower is better: a loss, or a negative MAP).

    After `epochs` of them a trial is over: "back" asks for the best state and a lower rate, and
    after the last of `trials`, "end". The fields are all its state: they go into checkpoints.
    """

    epochs: int
    trials: int
    best: float = math.inf
    waited: int = 0
    trials_over: int = 0

    def judge(self, criterion: float) -> Verdict:
        """The verdict on an epoch, by its criterion on the validation set."""
        if criterion < self.best:
            self.best, self.waited = criterion, 0
            return "better"
        self.waited += 1
        if self.waited < self.epochs:
            return "worse"
        self.waited = 0
        self.trials_over += 1
        return "end" if self.trials_over >= self.trials else "back"
