"""Ranked lists: what is found and what is right from each score on.

Only what was detected or is there has an entry; all other cells (of a window and a species) are
there by number alone, below every score. G groups (species, or all together), E entries.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curves:
    """For every score of every group, the highest first: T places.

    `right` and `found` count the positives and all cells with at least that score.
    """

    group: np.ndarray  # int [T]
    score: np.ndarray  # float64 [T]; -inf: all that was not detected
    right: np.ndarray  # int64 [T]
    found: np.ndarray  # int64 [T]
    positives: np.ndarray  # int64 [G]
    cells: int  # of each group


def curves(
    group: np.ndarray, score: np.ndarray, present: np.ndarray, groups: int, cells: int
) -> Curves:
    """Counts from each score on, of G groups with `cells` cells each.

    Args:
        group: of each entry, int [E] in 0..G-1.
        score: larger is surer, float [E]; -inf for a positive that was not detected.
        present: whether the species is there, bool [E]. Cells without entry are negatives that
            were not detected.
        groups: G.
        cells: of each group; at least as many as it has entries.
    """
    order = np.lexsort((-score, group))
    group, score, present = group[order], score[order], present[order]
    last = np.ones(len(group), bool)  # of equal scores
    last[:-1] = (group[1:] != group[:-1]) | (score[1:] != score[:-1])
    places = np.flatnonzero(last)
    right = np.cumsum(present)
    sizes = np.bincount(group, minlength=groups)
    firsts = np.cumsum(sizes) - sizes
    before = np.concatenate([[0], right])[firsts]
    positives = np.bincount(group[present], minlength=groups)
    group, score = group[places], score[places]
    found = places + 1 - firsts[group]
    found[np.isneginf(score)] = cells
    return Curves(group, score, right[places] - before[group], found, positives, cells)


def average_precision(c: Curves) -> np.ndarray:
    """Area under precision over recall by steps, float64 [G]; NaN where nothing is positive.

    AP = sum_t (R_t - R_{t-1}) P_t over falling scores t, equal scores together; what was not
    detected is the last place, at the share of positives (as scikit-learn's
    `average_precision_score` of the whole matrix, with one lowest score for it).

    >>> score, present = np.array([0.9, 0.5, 0.1]), np.array([True, False, True])
    >>> one = curves(np.zeros(3, int), score, present, 1, 3)
    >>> average_precision(one).round(3).tolist()  # (1 / 1 + 2 / 3) / 2
    [0.833]
    """
    steps = _steps(c, c.right)
    sums = np.bincount(c.group, steps * c.right / c.found, len(c.positives))
    return _of_positives(sums, c)


def auroc(c: Curves) -> np.ndarray:
    """Area under the receiver operating characteristic, float64 [G]: the chance that a positive
    cell scores higher than a negative one, ties half (Hanley and McNeil 1982).

    NaN where a group has no positive, or no negative.

    >>> score, present = np.array([0.9, 0.5, 0.1]), np.array([True, False, True])
    >>> one = curves(np.zeros(3, int), score, present, 1, 3)
    >>> auroc(one).tolist()  # of two positives, one is above the negative
    [0.5]
    """
    wrong = c.found - c.right
    rises = _steps(c, wrong) * (c.right - _steps(c, c.right) / 2)
    area = np.bincount(c.group, rises, len(c.positives))
    last = np.ones(len(c.group), bool)
    last[:-1] = c.group[1:] != c.group[:-1]
    negatives = c.cells - c.positives
    missing = negatives.astype(np.float64)  # negatives below every entry: all positives are higher
    missing[c.group[last]] -= wrong[last]
    area += missing * c.positives
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(
            (c.positives > 0) & (negatives > 0), area / (c.positives * negatives), np.nan
        )


def best_f1(c: Curves) -> tuple[np.ndarray, np.ndarray]:
    """The highest F1 of each group and the score from which on it is reached, float64 [G] each.

    F1 = 2 P R / (P + R) = 2 right / (positives + found). NaN where nothing is positive; 0 and no
    score (NaN) where nothing right was detected.

    >>> score, present = np.array([0.9, 0.5, 0.1]), np.array([True, False, True])
    >>> one = curves(np.zeros(3, int), score, present, 1, 9)
    >>> [value.tolist() for value in best_f1(one)]
    [[0.8], [0.1]]
    """
    f1 = np.where(np.isneginf(c.score), 0.0, 2 * c.right / (c.positives[c.group] + c.found))
    best, threshold = np.zeros(len(c.positives)), np.full(len(c.positives), np.nan)
    order = np.lexsort((-f1, c.group))  # of equal ones the highest score
    first = order[np.unique(c.group[order], return_index=True)[1]]
    first = first[f1[first] > 0]
    best[c.group[first]], threshold[c.group[first]] = f1[first], c.score[first]
    return _of_positives(best, c, shares=False), threshold


def at_threshold(c: Curves, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """How many cells of each group are right and found from a score on, int64 [G] each."""
    right, found = (np.zeros(len(c.positives), np.int64) for _ in range(2))
    chosen = np.flatnonzero((c.score >= threshold) & ~np.isneginf(c.score))
    right[c.group[chosen]] = c.right[chosen]  # the lowest score comes last, and stays
    found[c.group[chosen]] = c.found[chosen]
    return right, found


def rates(right: np.ndarray, found: np.ndarray, positives: np.ndarray) -> tuple[np.ndarray, ...]:
    """Precision, recall and F1; NaN where nothing is found, or nothing is positive.

    >>> [value.tolist() for value in rates(np.array([3]), np.array([4]), np.array([6]))]
    [[0.75], [0.5], [0.6]]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(found > 0, right / found, np.nan)
        recall = np.where(positives > 0, right / positives, np.nan)
        f1 = np.where(positives > 0, 2 * right / (found + positives), np.nan)
    return precision, recall, f1


def recall_precision(c: Curves, group: int) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision of one group from each score on, the highest first, float64 [T] each."""
    chosen = (c.group == group) & ~np.isneginf(c.score)
    return c.right[chosen] / max(1, c.positives[group]), c.right[chosen] / c.found[chosen]


def _steps(c: Curves, counts: np.ndarray) -> np.ndarray:
    """By how much a count rises at each place, within its group."""
    rises = np.diff(counts, prepend=0)
    first = np.ones(len(c.group), bool)
    first[1:] = c.group[1:] != c.group[:-1]
    rises[first] = counts[first]
    return rises


def _of_positives(values: np.ndarray, c: Curves, shares: bool = True) -> np.ndarray:
    counts = c.positives if shares else 1
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(c.positives > 0, values / counts, np.nan)
