"""How sure we are: every figure with an interval, every pair of models on random tenths.

Shapes: K models, N recordings, C classes, R resamples. All models answer the same recordings, and
all resamples are shared between models, so that differences between models are paired.
"""

from dataclasses import dataclass

import numpy as np

from birdml.scoring import average_precision, random_tenths, ranks

RESAMPLES = 2000
LEVEL = 95  # per cent of an interval
CRITERIA = ("map", "map_bg", "top1", "top5")


@dataclass(frozen=True)
class Interval:
    """A figure and the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Answers:
    """What a model answered for each recording: all that comparing needs of its logits [N, C].

    `rank` of the foreground species float64 [N], infinite where that is none of the C classes;
    `precision` over foreground and background species float64 [N].
    """

    rank: np.ndarray
    precision: np.ndarray

    def per_recording(self, criterion: str) -> np.ndarray:
        """The values float64 [N] whose mean is `map`, `map_bg`, or `top<k>`."""
        if criterion == "map":
            return 1 / self.rank
        if criterion == "map_bg":
            return self.precision
        return (self.rank <= int(criterion.removeprefix("top"))).astype(np.float64)


def answers(logits: np.ndarray, foreground: np.ndarray, present: np.ndarray) -> Answers:
    """Ranks and precisions.

    Args:
        logits: [N, C].
        foreground: labels, int [N]; -1 where unknown.
        present: foreground and background species, bool [N, C].
    """
    rank = np.full(len(logits), np.inf)
    known = foreground >= 0
    rank[known] = ranks(logits[known], foreground[known])
    return Answers(rank, average_precision(logits, present))


def resamples(recordings: int, groups: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """How often each recording is drawn, with replacement, as shares float32 [R, N].

    The bootstrap of Efron, "Bootstrap methods: another look at the jackknife", 1979: the mean of
    values [N] in every resample is `resamples @ values`. With `groups`, int [N] in 0..G-1, whole
    groups are drawn, G of them (a cluster bootstrap): recordings of one recordist are no
    independent draws.
    """
    units = recordings if groups is None else int(groups.max()) + 1
    rng = np.random.default_rng([seed, units])
    shares = np.empty((RESAMPLES, recordings), dtype=np.float32)
    for row in shares:
        counts = np.bincount(rng.integers(0, units, units), minlength=units)
        drawn = counts if groups is None else counts[groups]
        row[:] = drawn / drawn.sum()
    return shares


def interval(values: np.ndarray, drawn: np.ndarray) -> Interval:
    """The mean of values [N] and the middle 95 % of its means over the resamples [R, N]."""
    tail = (100 - LEVEL) / 2
    low, high = np.percentile(drawn @ values.astype(np.float32), (tail, 100 - tail))
    return Interval(float(values.mean()), float(low), float(high))


def intervals_in_words(logits: np.ndarray, foreground: np.ndarray, present: np.ndarray) -> str:
    """MAP and MAP-bg with their intervals, as Markdown; logits [N, C] and truth as in `answers`."""
    one = answers(logits, foreground, present)
    told = ends_in_words(one.per_recording("map"), one.per_recording("map_bg"))
    return f"**{LEVEL} % intervals**, over {len(logits)} recordings: {told}.\n"


def ends_in_words(reciprocal: np.ndarray, precision: np.ndarray) -> str:
    """The intervals of MAP and MAP-bg, out of the values [N] whose means they are.

    >>> ends_in_words(np.ones(9), np.zeros(9))
    'MAP 1.000 to 1.000, MAP-bg 0.000 to 0.000'
    """
    drawn = resamples(len(reciprocal))
    named = {"MAP": interval(reciprocal, drawn), "MAP-bg": interval(precision, drawn)}
    return ", ".join(f"{title} {ends.low:.3f} to {ends.high:.3f}" for title, ends in named.items())


def wins(models: list[Answers], seed: int = 0) -> np.ndarray:
    """On how many of 50 random tenths of the recordings a model beats another, int64 [K, K].

    Row beats column by MAP + MAP-bg; a tie counts for neither. This is how the author of the 2018
    system chose between ensembles.
    """
    values = np.stack([m.per_recording("map") + m.precision for m in models], axis=1)
    result = np.zeros((len(models), len(models)), dtype=np.int64)
    for rows in random_tenths(len(values), seed):
        means = values[rows].mean(axis=0)
        result += means[:, None] > means[None, :]
    return result


def agreement(models: list[Answers]) -> np.ndarray:
    """Spearman's correlation, over recordings, of the ranks of the foreground species, [K, K].

    1 where two models find the same recordings easy and hard; NaN against a model that gives every
    recording the same rank.
    """
    from scipy.stats import rankdata

    order = np.stack([rankdata(m.rank) for m in models])
    order = order - order.mean(axis=1, keepdims=True)
    length = np.sqrt((order**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return order @ order.T / (length[:, None] * length[None, :])
