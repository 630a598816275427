"""What each member is worth: alone, when it is taken away, and when it is added."""

from dataclasses import dataclass

import numpy as np

from birdml.ensemble.objective import Objective
from birdml.ensemble.search import spreads


@dataclass(frozen=True)
class Contribution:
    """One member of an ensemble, figures as MAP, MAP-bg or their sum, by the criterion.

    `share` is its part of the spread of all members' weighted logits: weights alone do not tell,
    since logits of models differ in scale. `without`: the ensemble without it, other weights as
    they are. `so_far`: it and all members of a larger share.
    """

    name: str
    family: str
    weight: float
    share: float
    alone: float
    without: float
    so_far: float


def contributions(
    objective: Objective,
    weights: np.ndarray,
    names: list[str],
    families: list[str],
    criterion: str,
) -> list[Contribution]:
    """Every member with a weight above 0, the largest share first; weights float64 [K]."""
    parts = weights * spreads(objective.logits)
    order = [int(k) for k in np.argsort(-parts, kind="stable") if weights[k] > 0]
    result = []
    for place, k in enumerate(order):
        only = np.zeros(objective.models)
        only[k] = 1
        without, so_far = weights.copy(), np.zeros(objective.models)
        without[k] = 0
        so_far[order[: place + 1]] = weights[order[: place + 1]]
        alone, rest, added = (objective.value(w, criterion) for w in (only, without, so_far))
        result.append(
            Contribution(
                name=names[k],
                family=families[k],
                weight=float(weights[k]),
                share=float(parts[k] / parts.sum()),
                alone=alone,
                without=rest if without.any() else 0.0,
                so_far=added,
            )
        )
    return result
