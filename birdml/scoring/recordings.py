"""How good scores are: ranks, average precision, MAP, MAP-bg and top-k accuracy.

Shapes: N recordings, C classes. A rank is one plus the number of classes that stand before, so it
is found by counting larger scores; nothing is sorted, which is many times faster. Equal scores
stand in label order, as in a stable descending sort.
"""

from collections.abc import Iterator

import numpy as np

from birdml.errors import UserError

TOP = 5
TENTHS = 50
BLOCK = 1 << 19  # scores compared at once: bounds the memory, and stays within the cache


def _ranks_of(scores: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Ranks of single entries: `scores[rows[p], labels[p]]` within its row, int64 [P]."""
    count, classes = len(rows), scores.shape[1]
    every_row = count == len(scores) and bool((rows == np.arange(count)).all())
    result = np.empty(count, dtype=np.int64)
    step = max(1, BLOCK // max(1, classes))
    for start in range(0, count, step):
        stop = min(start + step, count)
        block = scores[start:stop] if every_row else scores[rows[start:stop]]
        own_label = labels[start:stop]
        own = block[np.arange(stop - start), own_label][:, None]
        before = np.count_nonzero(block > own, axis=1)
        equal = block == own
        tied = np.flatnonzero(np.count_nonzero(equal, axis=1) > 1)
        if len(tied):
            earlier = np.arange(classes) < own_label[tied, None]
            before[tied] += np.count_nonzero(equal[tied] & earlier, axis=1)
        result[start:stop] = before + 1
    return result


def ranks(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rank of one class per recording, 1 = best.

    Args:
        scores: [N, C], larger is better, without NaN.
        labels: int [N], each in 0..C-1.

    Returns:
        int64 [N]. Ties stand in label order: `ranks([[5, 5, 1]], [1])` is `[2]`.

    Raises:
        ValueError: where shapes disagree or a label is out of range.

    >>> ranks([[0.1, 0.7, 0.2], [5, 5, 1]], [2, 1]).tolist()
    [2, 2]
    """
    scores, labels = np.asarray(scores), np.asarray(labels, dtype=np.int64)
    if scores.ndim != 2 or labels.shape != scores.shape[:1]:
        raise ValueError(f"scores [N, C] and labels [N] expected: {scores.shape}, {labels.shape}")
    if len(labels) and not (labels.min() >= 0 and labels.max() < scores.shape[1]):
        raise ValueError(f"labels must lie in 0..{scores.shape[1] - 1}")
    return _ranks_of(scores, np.arange(len(labels)), labels)


def average_precision(scores: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Average precision per recording, over all classes that are present.

    With the ranks r_1 < r_2 < ... of the K present classes, AP = 1/K sum_k k / r_k.

    Args:
        scores: [N, C], larger is better, without NaN; ties as in `ranks`.
        present: bool [N, C].

    Returns:
        float64 [N]; 0 for a recording without any present class.

    Raises:
        ValueError: where shapes disagree.

    >>> average_precision(np.array([[3.0, 2.0, 1.0]]), np.array([[True, False, True]])).round(3)
    array([0.833])
    """
    scores, present = np.asarray(scores), np.asarray(present, dtype=bool)
    if scores.ndim != 2 or scores.shape != present.shape:
        raise ValueError(f"scores and present must both be [N, C]: {scores.shape}, {present.shape}")
    rows, labels = np.nonzero(present)
    found = _ranks_of(scores, rows, labels)
    found = found[np.lexsort((found, rows))]  # rows ascend already; within a row, ranks ascend
    counts = np.bincount(rows, minlength=len(scores))
    firsts = np.cumsum(counts) - counts
    order_within = np.arange(len(rows)) - firsts[rows] + 1
    sums = np.bincount(rows, weights=order_within / found, minlength=len(scores))
    return np.asarray(sums / np.maximum(counts, 1), dtype=np.float64)


def score(scores: np.ndarray, foreground: np.ndarray, present: np.ndarray) -> dict[str, float]:
    """MAP, MAP-bg and top-1..top-5 accuracy (reference: Metrics of the 2018 system).

    Args:
        scores: logits or probabilities [N, C], larger is better.
        foreground: label of the foreground species, int [N]; -1 where it is none of the C classes:
            no such recording can be answered, it counts 0 in MAP and top-k.
        present: foreground and background species, bool [N, C].

    Returns:
        `map` (mean of 1 / rank of the foreground class), `map_bg` (mean average precision over
        the present classes), `top1` .. `top5` (share of foreground ranks up to k), all in 0..1.

    Raises:
        UserError: where there is no recording, or a score is NaN.

    >>> scores, truth = np.array([[3.0, 2.0, 1.0]]), np.array([[False, True, False]])
    >>> found = score(scores, np.array([1]), truth)
    >>> found["map"], found["top1"], found["top2"]
    (0.5, 0.0, 1.0)
    """
    scores, foreground = np.asarray(scores), np.asarray(foreground, dtype=np.int64)
    if not len(scores):
        raise UserError("nothing to score: there are no recordings in this split")
    broken = np.flatnonzero(np.isnan(scores).any(axis=1))
    if len(broken):
        raise UserError(
            f"{len(broken)} of {len(scores)} rows of scores hold NaN (first: row {broken[0]}); "
            "predict them again"
        )
    known = foreground >= 0
    rank = np.full(len(scores), np.inf)
    rank[known] = ranks(scores[known] if not known.all() else scores, foreground[known])
    result = {
        "map": float((1 / rank).mean()),
        "map_bg": float(average_precision(scores, present).mean()),
    }
    for k in range(1, TOP + 1):
        result[f"top{k}"] = float((rank <= k).mean())
    return result


def random_tenths(recordings: int, seed: int = 0) -> Iterator[np.ndarray]:
    """50 random tenths of the recordings, each as rows int64 [N / 10], the same for everybody.

    The author of the 2018 system chose between ensembles by the number of tenths that they won.

    >>> rows = next(random_tenths(100))
    >>> len(rows), len(set(rows.tolist())), np.array_equal(rows, next(random_tenths(100)))
    (10, 10, True)
    """
    rng = np.random.default_rng([seed, TENTHS])
    size = max(1, round(recordings / 10))
    return (rng.choice(recordings, size, replace=False) for _ in range(TENTHS))
