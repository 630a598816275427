"""How good a weighted sum of logits is: MAP and MAP-bg, many times faster than by sorting.

Shapes: K models, N recordings, C classes, P pairs of a recording and a species present in it.
Only the ranks of present species matter, and a rank is one plus the number of classes that stand
before: so the weighted sum is formed block by block as a matrix-vector product and compared while
it is in the cache. Equal scores stand in label order, as in a stable descending sort.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import ThreadpoolController

from birdml.machine import cores

CRITERIA = {"fg+bg": (1.0, 1.0), "fg": (1.0, 0.0), "bg": (0.0, 1.0)}  # weights of MAP, MAP-bg
BLOCK = 96_000  # scores of a block: its sum, members and comparisons stay within the cache
THREADS = min(8, cores())


def stack(arrays: Iterable[np.ndarray], count: int) -> np.ndarray:
    """Prediction arrays [N, C], such as memory maps, as one float32 [K, N, C].

    `arrays` may be a generator: one array at a time is in memory besides the result.
    """
    stacked: np.ndarray | None = None
    for k, array in enumerate(arrays):
        if stacked is None:
            stacked = np.empty((count, *array.shape), np.float32)
        stacked[k] = array
    if stacked is None:
        raise ValueError("no arrays to stack")
    return stacked


@dataclass(frozen=True)
class Pairs:
    """The P pairs of a recording and a species present in it, by recording.

    `rows` and `labels` int64 [P]; `foreground` bool [P]; `counts` int64 [P] present species of the
    recording; `starts` int64 [N + 1]: the pairs of recording n are starts[n]:starts[n + 1].
    """

    rows: np.ndarray
    labels: np.ndarray
    foreground: np.ndarray
    counts: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True)
class Objective:
    """MAP and MAP-bg of weighted sums of `logits` float32 [K, N, C] over chosen recordings.

    `foreground` int [N] (-1: unknown, counts 0 in MAP), `present` bool [N, C] with the foreground
    species, `chosen` bool [N].

    >>> logits = np.array([[[2.0, 1.0]], [[0.0, 3.0]]], np.float32)  # two models, one recording
    >>> of = Objective.of_all(logits, np.array([1]), np.array([[False, True]]))
    >>> [of.value(weights, "fg") for weights in ([1, 0], [0, 1], [1, 1])]
    [0.5, 1.0, 1.0]
    """

    logits: np.ndarray
    foreground: np.ndarray
    present: np.ndarray
    chosen: np.ndarray

    @classmethod
    def of_all(cls, logits: np.ndarray, foreground: np.ndarray, present: np.ndarray) -> "Objective":
        """Over all recordings. Raises ValueError where shapes disagree or a logit is no number."""
        if logits.ndim != 3 or logits.shape[1:] != present.shape:
            raise ValueError(f"logits {logits.shape} do not fit {present.shape} species")
        if len(foreground) != len(present):
            raise ValueError(f"{len(foreground)} labels for {len(present)} recordings")
        return cls(logits, np.asarray(foreground), present, np.ones(len(present), dtype=bool))

    def among(self, chosen: np.ndarray) -> "Objective":
        """The same over some recordings, bool [N]; the logits are shared."""
        return replace(self, chosen=np.asarray(chosen, dtype=bool))

    @property
    def models(self) -> int:
        return len(self.logits)

    @cached_property
    def pairs(self) -> Pairs:
        rows, labels = np.nonzero(self.present & self.chosen[:, None])
        counts = np.bincount(rows, minlength=len(self.present))
        return Pairs(
            rows=rows,
            labels=labels,
            foreground=labels == self.foreground[rows],
            counts=counts[rows],
            starts=np.concatenate([[0], np.cumsum(counts)]),
        )

    @cached_property
    def blocks(self) -> list[tuple[int, int]]:
        """First and last + 1 recording of each block; those without chosen ones are left out."""
        count, classes = self.present.shape
        step = max(1, BLOCK // classes)
        edges = [(start, min(start + step, count)) for start in range(0, count, step)]
        return [(a, b) for a, b in edges if self.pairs.starts[b] > self.pairs.starts[a]]

    def terms(self, weights: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Reciprocal rank and average precision of each recording, two float64 [N].

        `weights` [K]; 0 for recordings that are not chosen, all 0 where every weight is 0.
        """
        return self.terms_of_blocks(weighted_sums(self.logits, weights))

    def terms_of(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same for scores [N, C] that are there already."""
        return self.terms_of_blocks(lambda first, last: scores[first:last])

    def terms_of_blocks(
        self, scores: Callable[[int, int], np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same for a function that gives the scores [n, C] of recordings first..last - 1."""
        pairs = self.pairs

        def count(block: tuple[int, int]) -> np.ndarray:
            first, last = block
            own = slice(pairs.starts[first], pairs.starts[last])
            return _before(scores(first, last), pairs.rows[own] - first, pairs.labels[own])

        ranks = np.concatenate([np.zeros(0, np.int64), *in_threads(count, self.blocks)]) + 1
        size = len(self.present)
        reciprocal = np.zeros(size)
        reciprocal[pairs.rows[pairs.foreground]] = 1 / ranks[pairs.foreground]
        order = np.lexsort((ranks, pairs.rows))
        place = np.arange(len(order)) - pairs.starts[pairs.rows] + 1
        share = place / (ranks[order] * pairs.counts)
        return reciprocal, np.bincount(pairs.rows, weights=share, minlength=size)

    def means(self, terms: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
        """MAP and MAP-bg of such terms over the chosen recordings."""
        count = max(1, np.count_nonzero(self.chosen))
        reciprocal, precision = (float(term[self.chosen].sum() / count) for term in terms)
        return reciprocal, precision

    def value(self, weights: ArrayLike, criterion: str = "fg+bg") -> float:
        """MAP + MAP-bg, or one of the two (`fg`, `bg`), of a weighted sum.

        Minus infinity where no weight is above 0: no model is no ensemble.
        """
        if not np.any(weights):
            return -np.inf
        return criterion_of(self.means(self.terms(weights)), criterion)


def criterion_of(scores: tuple[float, float], criterion: str) -> float:
    """MAP and MAP-bg as the one number that is searched for."""
    return float(np.dot(CRITERIA[criterion], scores))


def weighted_sums(logits: np.ndarray, weights: ArrayLike) -> Callable[[int, int], np.ndarray]:
    """A function that gives the weighted sum of recordings first..last - 1, float32 [n, C]."""
    count, size, classes = logits.shape
    flat = logits.reshape(count, size * classes)
    vector = np.asarray(weights, np.float32)

    def block(first: int, last: int) -> np.ndarray:
        return (vector @ flat[:, first * classes : last * classes]).reshape(-1, classes)

    return block


def in_threads(function: Callable, items: Sequence) -> list:
    """The function of every item, in order; numpy leaves the lock while it computes."""
    if len(items) < 2 or THREADS < 2:
        return [function(item) for item in items]
    # BLAS would start threads of its own in each of ours, three times slower than one in each
    with _blas().limit(limits=1, user_api="blas"), ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(function, items))


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _before(scores: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How many classes stand before `scores[rows[p], labels[p]]` in its row, int64 [P]."""
    of_pairs = scores[rows]
    own = of_pairs[np.arange(len(rows)), labels][:, None]
    kind = np.min_scalar_type(scores.shape[1])
    larger = (of_pairs > own).sum(axis=1, dtype=kind).astype(np.int64)
    not_smaller = of_pairs >= own
    if np.count_nonzero(not_smaller) > larger.sum() + len(rows):  # equal scores, in label order
        for p in np.flatnonzero(not_smaller.sum(axis=1) > larger + 1):
            larger[p] += np.count_nonzero(of_pairs[p, : labels[p]] == own[p])
    return larger
