"""Scoring weights of 36 models x 3003 recordings x 1500 species, beside a full sort.

The reference is an evaluation of the 2018 kind: float32 weighted sum, stable descending argsort of
every row, ranks from it.
"""

import resource
import statistics
import time
from collections.abc import Callable

import numpy as np

from birdml.ensemble.line_search import line_search
from birdml.ensemble.objective import Objective
from birdml.ensemble.search import whole_sum

MODELS, RECORDINGS, CLASSES = 36, 3003, 1500  # of the 2018 ensemble
GRID = 201  # values of one weight that a grid would try
ROUNDS = 5
REFERENCE = "float32 weighted sum and stable argsort of each row, 2018 kind"


def made_up() -> Objective:
    """Models that agree on something, drawn one by one: no second copy in memory."""
    rng = np.random.default_rng(0)
    foreground = rng.integers(0, CLASSES, RECORDINGS)
    present = rng.random((RECORDINGS, CLASSES)) < 1.5 / CLASSES
    present[np.arange(RECORDINGS), foreground] = True
    common = rng.standard_normal((RECORDINGS, CLASSES), np.float32) + 2 * present
    logits = np.empty((MODELS, RECORDINGS, CLASSES), np.float32)
    for one in logits:
        rng.standard_normal(dtype=np.float32, out=one)
        one += common
    return Objective.of_all(logits, foreground, present)


def plain(objective: Objective, weights: np.ndarray) -> tuple[float, float]:
    """MAP and MAP-bg as in 2018: everything is sorted."""
    scores = np.tensordot(weights, objective.logits, 1)
    order = np.argsort(-scores, axis=1, kind="stable")
    rows = np.arange(RECORDINGS)
    found = np.take_along_axis(objective.present, order, axis=1)
    places = np.cumsum(found, axis=1)
    precision = places / np.arange(1, CLASSES + 1)
    reciprocal = 1 / (1 + np.argmax(order == objective.foreground[:, None], axis=1))
    average = (precision * found).sum(axis=1) / places[rows, -1]
    return float(reciprocal.mean()), float(average.mean())


def seconds(function: Callable[[], object]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def run() -> list[dict]:
    """One free weight vector, and one value of a single weight, each beside the reference."""
    objective = made_up()
    weights = np.random.default_rng(1).random(MODELS).astype(np.float32)
    assert np.allclose(objective.means(objective.terms(weights)), plain(objective, weights))
    others = weights.copy()
    others[3] = 0
    base = whole_sum(objective.logits, others)
    free, line, reference = [], [], []
    for _ in range(ROUNDS):
        reference.append(seconds(lambda: plain(objective, weights)))
        free.append(seconds(lambda: objective.terms(weights)))
        line.append(
            seconds(lambda: line_search(objective, base, objective.logits[3], float(others.sum())))
        )
    slow = statistics.median(reference)
    rows = [
        ("ensemble: one weight vector", statistics.median(free)),
        (f"ensemble: one of {GRID} values on a line", statistics.median(line) / GRID),
    ]
    result = [
        {
            "name": name,
            "ours": ours,
            "reference": slow,
            "ratio": slow / ours,
            "unit": "s",
            "what_reference_is": REFERENCE,
        }
        for name, ours in rows
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    arrays = float(objective.logits.nbytes)
    result.append(
        {
            "name": "ensemble: peak memory of this process, its reference included",
            "ours": peak / 2**20,
            "reference": arrays / 2**20,
            "ratio": arrays / peak,
            "unit": "MiB",
            "what_reference_is": "the prediction arrays themselves",
        }
    )
    return result


if __name__ == "__main__":
    for row in run():
        print({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()})
