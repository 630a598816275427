"""Weights of an ensemble, found on validation logits: five strategies, one result.

    hyperopt       1000 evaluations, each weight uniform in 0..1, proposed by TPE
    hyperopt_zero  the same, with the choice to leave a member out
    hyperopt_log   the same, with weights uniform in their logarithm
    greedy         one random weight at a time, bracketed and refined, until nothing improves
    ascent         coordinate ascent by exact line search from the plain mean

Unlike the 2018 system's: a rejected trial leaves nothing behind, no weight is negative (what is
printed is what was scored), and every strategy is finished by ascent unless told otherwise: from
the best weights found, and where the arrays are small also from the plain mean and random weights.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from birdml.ensemble.line_search import line_search
from birdml.ensemble.objective import Objective, criterion_of, in_threads, weighted_sums
from birdml.ensemble.tpe import tpe

STRATEGIES = ("hyperopt", "hyperopt_zero", "hyperopt_log", "greedy", "ascent")
TOLERANCE = 1e-4  # less than this is no improvement
GREEDY_PATIENCE = 10  # weights tried in a row without an improvement
QUICK = 1e-3  # the same for a quick search
CLIMBED = 2e8  # logits that ascents go over: a small problem is climbed from several starts,
MOST_CLIMBS = 8  # since a coordinate ascent ends on the next summit, not on the highest
SWEEPS = 20  # at most, of an ascent
SPREAD_SAMPLE = 50_000  # logits that tell a model's spread


@dataclass
class Trials:
    """Everything that a search tried: weights [K] and value of each step, in order."""

    steps: list[str] = field(default_factory=list)
    weights: list[np.ndarray] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    report: Callable[[int, float], None] = lambda count, best: None

    def add(self, step: str, weights: np.ndarray, value: float) -> None:
        self.steps.append(step)
        self.weights.append(np.array(weights, dtype=np.float64))
        self.values.append(value)
        self.report(len(self.values), max(self.values))

    @property
    def best(self) -> tuple[np.ndarray, float]:
        number = int(np.argmax(self.values))
        return self.weights[number], self.values[number]

    @property
    def best_so_far(self) -> np.ndarray:
        """float64 [T]."""
        return np.maximum.accumulate(self.values)


def search(
    objective: Objective,
    strategy: str = "hyperopt",
    criterion: str = "fg+bg",
    evaluations: int = 1000,
    seed: int = 1,
    refine: bool = True,
    report: Callable[[int, float], None] = lambda count, best: None,
    quick: bool = False,
) -> Trials:
    """Searches weights of 0 or more; `Trials.best` is the result, scaled to a sum of 1.

    The same seed gives the same result on any number of cores. `report` hears of each trial: how
    many there were, and the best value yet. `quick`: one climb, which stops at gains below 1e-3.
    """
    trials = Trials(report=report)
    rng = np.random.default_rng([seed, STRATEGIES.index(strategy)])

    def value(weights: np.ndarray) -> float:
        found = objective.value(weights, criterion)
        trials.add("search", weights, found)
        return found

    mean = np.ones(objective.models)
    value(mean)
    if strategy == "greedy":
        greedy(value, mean, rng)
    elif strategy.startswith("hyperopt"):
        kind = strategy.removeprefix("hyperopt").removeprefix("_") or "uniform"
        tpe(value, objective.models, evaluations, kind, rng)
    if refine or strategy == "ascent":
        climbs = 1 if quick else int(np.clip(CLIMBED // objective.logits.size, 1, MOST_CLIMBS))
        starts = [trials.best[0], mean, *rng.random((MOST_CLIMBS, objective.models))]
        for start in starts[:climbs]:
            ascend(objective, trials, criterion, start, quick)
    weights, best = trials.best
    trials.add("result", weights / weights.sum(), best)
    return trials


def greedy(
    value: Callable[[np.ndarray], float], start: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Optimises one random weight at a time until ten in a row gain less than 1e-4.

    A weight's best value is bracketed downhill first, then found by the simplex method.
    """
    from scipy.optimize import bracket, minimize

    weights, best, idle = start.copy(), value(start), 0
    patience = max(GREEDY_PATIENCE, len(start))
    while idle < patience:
        k = int(rng.integers(len(weights)))

        def loss(x: float | np.ndarray, k: int = k) -> float:
            trial = weights.copy()
            trial[k] = max(0.0, float(np.ravel(x)[0]))
            return -value(trial) if trial.any() else 0.0

        tried = [0.0, weights[k]]
        with suppress(RuntimeError):  # flat or rising for ever: the simplex starts where we are
            tried += bracket(loss, xa=weights[k], xb=weights[k] + 1, maxiter=20)[:3]
        losses = [loss(x) for x in tried]
        middle = tried[int(np.argmin(losses))]
        found = minimize(loss, [middle], method="Nelder-Mead", options={"maxfev": 30})
        if -found.fun > best + TOLERANCE:
            weights[k], best, idle = max(0.0, float(found.x[0])), -found.fun, 0
        else:
            idle += 1
    return weights


def ascend(
    objective: Objective,
    trials: Trials,
    criterion: str,
    start: np.ndarray,
    quick: bool = False,
) -> None:
    """Coordinate ascent from weights [K], each step an exact line search; adds its steps.

    Sweeps over all members until one gains less than 1e-4. A line reaches to where the member
    counts as much as all others together, or three times what it did; later sweeps can go further.
    A quick one stops at gains below 1e-3 and reaches a third as far: every pair of species that
    changes places on a line costs time.
    """
    logits = objective.logits
    spread = spreads(logits)
    weights = start / start.sum()
    scores = whole_sum(logits, weights)
    best = criterion_of(objective.means(objective.terms_of(scores)), criterion)
    for _ in range(SWEEPS):
        before = best
        for k in range(len(weights)):
            others = weights.copy()
            others[k] = 0
            if not others.any():
                continue
            base = scores - np.float32(weights[k]) * logits[k]
            reach = max(others @ spread / spread[k] * (1 / 3 if quick else 1), 3 * weights[k])
            pieces = line_search(objective, base, logits[k], float(reach))
            place, promised = pieces.best(criterion)
            if promised <= best:
                continue
            others[k] = place
            others /= others.sum()
            fresh = whole_sum(logits, others)
            value = criterion_of(objective.means(objective.terms_of(fresh)), criterion)
            if value > best:  # rounding can eat a very narrow piece
                weights, best, scores = others, value, fresh
                trials.add("ascent", weights, best)
        if best < before + (QUICK if quick else TOLERANCE):
            break


def spreads(logits: np.ndarray) -> np.ndarray:
    """Standard deviation of each model's logits [K, N, C], from a part of them, above 0 [K]."""
    flat = logits.reshape(len(logits), -1)
    part = flat[:, :: max(1, flat.shape[1] // SPREAD_SAMPLE)]
    return np.maximum(part.std(axis=1, dtype=np.float64), 1e-12)


def whole_sum(logits: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted sum of logits [K, N, C], float32 [N, C]."""
    size = logits.shape[1]
    block = weighted_sums(logits, weights)
    edges = [(n, min(n + 64, size)) for n in range(0, size, 64)]
    return np.concatenate(in_threads(lambda edge: block(*edge), edges))
