"""Weights proposed by hyperopt: tree-structured Parzen estimator (Bergstra et al., NIPS 2011).

Three kinds of weights (K of them), as the 2018 system had:

    uniform  anywhere in 0..1
    zero     0, or anywhere in 0..1: the choice is learned as well
    log      exp of anywhere in -5..0

For 36 weights, hyperopt needs 70 ms per proposal after 100 trials and several times that after
1000, far more than an evaluation. So it works in rounds, each of which starts from the best trials
of all rounds before.
"""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hyperopt import Trials

KINDS = ("uniform", "zero", "log")
ROUND = 150  # proposals of one estimator
KEPT = 20  # the best trials so far, which a round starts from


def tpe(
    value: Callable[[np.ndarray], float],
    models: int,
    evaluations: int,
    kind: str,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Maximises a function of weights float64 [K].

    Returns the weights of all trials float64 [T, K] and their values float64 [T].
    """
    from hyperopt import fmin
    from hyperopt.tpe import suggest

    logging.getLogger("hyperopt").setLevel(logging.WARNING)
    known: dict[tuple[float, ...], float] = {}

    def loss(point: Mapping[str, float]) -> float:
        weights = tuple(point[f"weight{k}"] for k in range(models))
        if weights not in known:
            known[weights] = value(np.array(weights))
        return -known[weights]

    fresh = -1
    while fresh < len(known) < evaluations:  # a round of known weights only is the last
        fresh = len(known)
        best = sorted(known, key=known.__getitem__, reverse=True)[:KEPT]
        fmin(
            loss,
            _space(models, kind),
            algo=suggest,
            max_evals=min(ROUND, evaluations - len(known)),
            trials=_start(best, kind),
            rstate=rng,
            show_progressbar=False,
            verbose=False,
        )
    return np.array(list(known)), np.array(list(known.values()))


def _space(models: int, kind: str) -> dict:
    from hyperopt import hp

    space = {}
    for k in range(models):
        if kind == "log":
            space[f"weight{k}"] = hp.loguniform(f"weight{k}", -5, 0)
        elif kind == "zero":
            options = [0.0, hp.uniform(f"value{k}", 0, 1)]
            space[f"weight{k}"] = hp.choice(f"weight{k}", options)
        else:
            space[f"weight{k}"] = hp.uniform(f"weight{k}", 0, 1)
    return space


def _start(best: list[tuple[float, ...]], kind: str) -> "Trials":
    """Trials that try known weights first; hyperopt lists a value that a choice left out as []."""
    from hyperopt import Trials
    from hyperopt.fmin import generate_trials_to_calculate

    if not best:
        return Trials()
    trials = generate_trials_to_calculate([_point(weights, kind) for weights in best])
    for trial in trials._dynamic_trials:
        for k in range(len(best[0]) if kind == "zero" else 0):
            for lists in (trial["misc"]["idxs"], trial["misc"]["vals"]):
                lists.setdefault(f"value{k}", [])
    return trials


def _point(weights: tuple[float, ...], kind: str) -> dict[str, float]:
    """Known weights in hyperopt's words: a choice is a number, with the value beside it."""
    if kind != "zero":
        return {f"weight{k}": weight for k, weight in enumerate(weights)}
    chosen: dict[str, float] = {f"weight{k}": int(w > 0) for k, w in enumerate(weights)}
    return chosen | {f"value{k}": weight for k, weight in enumerate(weights) if weight > 0}
