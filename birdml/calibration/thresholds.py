"""Thresholds by rule: for each species the lowest score that reaches a precision, or the highest
that reaches a recall, on recordings that its curve was not fitted on.

Few positives say little. So what was counted is mixed with what the curves say, or what all
species together reach, as if PRIOR more detections had been seen; and a species that never was
present, or that does not reach the rule at any score, keeps the threshold common to all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

PRIOR = 30.0  # of 5, 20, 50 and 1000 on simulated species, 20 to 50 held best
LOWEST = 0.01  # scores below this are never thresholds, and not kept


@dataclass(frozen=True)
class Evidence:
    """Held-out scores of one species from LOWEST up: of recordings with it and without, and the
    number of recordings with it at any score."""

    present: np.ndarray
    absent: np.ndarray
    positives: int


@dataclass(frozen=True)
class Threshold:
    """Of one species: the score, what is expected from it on, and whose evidence decided."""

    score: float
    expected: float  # precision or recall, by the rule; NaN where nothing is known
    positives: int
    source: str  # `own`, `common`


def evidence(probabilities: np.ndarray, present: np.ndarray) -> list[Evidence]:
    """What thresholds are found by, of held-out probabilities [N, C] and truth bool [N, C]."""
    result = []
    for scores, truth in zip(probabilities.T, present.T, strict=True):
        some = scores >= LOWEST
        result.append(
            Evidence(
                np.sort(scores[some & truth])[::-1],
                np.sort(scores[some & ~truth])[::-1],
                int(truth.sum()),
            )
        )
    return result


def by_precision(of_species: Sequence[Evidence], target: float) -> tuple[list[Threshold], bool]:
    """Thresholds from which on a share `target` of detections is right.

    Returns them, and whether all species together reach it; where they don't, the common threshold
    is the one of the highest precision.
    """
    together = _together(of_species)
    common = _precision(together, target)
    reached = common is not None
    if common is None:
        common = _best_precision(together)
    return [_own_or_common(e, _precision(e, target), common) for e in of_species], reached


def by_recall(of_species: Sequence[Evidence], target: float) -> tuple[list[Threshold], bool]:
    """Thresholds from which on a share `target` of what is present is detected.

    >>> scores = np.linspace(0.1, 0.9, 9)[:, None]
    >>> thresholds, reached = by_recall(evidence(scores, scores > 0.45), 0.8)
    >>> round(thresholds[0].score, 3), thresholds[0].source, reached
    (0.6, 'own', True)
    """
    together = _together(of_species)
    common = _recall(together, target, together)
    reached = common is not None
    if common is None:
        common = Threshold(LOWEST, _share_found(together), together.positives, "common")
    return [_own_or_common(e, _recall(e, target, together), common) for e in of_species], reached


def _own_or_common(own: Evidence, found: Threshold | None, common: Threshold) -> Threshold:
    if found is not None and own.positives:
        return found
    return Threshold(common.score, common.expected, own.positives, "common")


def _together(of_species: Sequence[Evidence]) -> Evidence:
    return Evidence(
        np.sort(np.concatenate([e.present for e in of_species]))[::-1],
        np.sort(np.concatenate([e.absent for e in of_species]))[::-1],
        sum(e.positives for e in of_species),
    )


def _expected_precision(e: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Scores, highest first, and the precision expected of all from there up."""
    scores = np.concatenate([e.present, e.absent])
    right = np.concatenate([np.ones(len(e.present)), np.zeros(len(e.absent))])
    order = np.argsort(-scores, kind="stable")
    scores, right = scores[order], right[order]
    count = np.arange(1, len(scores) + 1)
    said = np.cumsum(scores) / count  # what the curve itself promises
    precision = (np.cumsum(right) + PRIOR * said) / (count + PRIOR)
    last = np.append(scores[1:] < scores[:-1], True) if len(scores) else np.zeros(0, bool)
    return scores[last], precision[last]  # equal scores are detected together


def _precision(e: Evidence, target: float) -> Threshold | None:
    scores, precision = _expected_precision(e)
    enough = np.flatnonzero(precision >= target)
    if not len(enough):
        return None
    lowest = enough[-1]
    return Threshold(float(scores[lowest]), float(precision[lowest]), e.positives, "own")


def _best_precision(e: Evidence) -> Threshold:
    scores, precision = _expected_precision(e)
    if not len(scores):
        return Threshold(1.0, float("nan"), e.positives, "common")
    best = int(precision.argmax())
    return Threshold(float(scores[best]), float(precision[best]), e.positives, "common")


def _share_found(e: Evidence) -> float:
    return len(e.present) / e.positives if e.positives else float("nan")


def _recall(e: Evidence, target: float, together: Evidence) -> Threshold | None:
    """The highest score with enough recall, among the scores of recordings with the species."""
    scores = np.unique(e.present)[::-1]
    if not len(scores):
        return None
    found = np.searchsorted(-e.present, -scores, side="right")
    of_all = np.searchsorted(-together.present, -scores, side="right") / together.positives
    recall = (found + PRIOR * of_all) / (e.positives + PRIOR)
    enough = np.flatnonzero(recall >= target)
    if not len(enough):
        return None
    first = enough[0]
    return Threshold(float(scores[first]), float(recall[first]), e.positives, "own")


def scores_of(
    thresholds: Mapping[str, Threshold], classes: Sequence[str], common: float
) -> np.ndarray:
    """Thresholds in the order of the label set, float64 [C]."""
    return np.array([thresholds[c].score if c in thresholds else common for c in classes])
