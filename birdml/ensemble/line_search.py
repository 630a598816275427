"""Exact line search: MAP and MAP-bg as functions of one weight, with every step they make.

Along one weight t the scores are base + t * direction, so two classes of a recording change places
at one known point, where their scores are equal. Between such points no order changes: both
figures are constant there. Each step is found from the signs of two differences, and what it
changes is known from the rank before and after; so all values of the weight are scored at once,
and nothing is missed between the points of a grid.

With rank r_p of a present species p and its place i_p among the present species of a recording,
average precision is the mean of i_p / r_p: each pair contributes on its own, which is why pairs
can be followed one by one.
"""

from dataclasses import dataclass

import numpy as np

from birdml.ensemble.objective import CRITERIA, Objective, in_threads

TIME_SHIFT, RISES_BIT, PRESENT_BIT = np.uint64(34), np.uint64(1), np.uint64(1)
EQUAL = 1e-9  # values this close are the same value; then the widest piece is taken


@dataclass(frozen=True)
class Pieces:
    """MAP and MAP-bg as piecewise constant functions of a weight in 0..largest.

    Piece e lies between `edges[e]` and `edges[e + 1]` (float64 [E + 1], from 0 to `largest`); its
    values are `map[e]` and `map_bg[e]` (float64 [E]).
    """

    edges: np.ndarray
    map: np.ndarray
    map_bg: np.ndarray

    def best(self, criterion: str = "fg+bg") -> tuple[float, float]:
        """The weight in the middle of the best piece, 0 for the first piece, and its value."""
        share, share_bg = CRITERIA[criterion]
        values = share * self.map + share_bg * self.map_bg
        widths = np.diff(self.edges)
        values[widths <= 0] = -np.inf
        equal = np.flatnonzero(values >= values.max() - EQUAL)
        if self.edges[equal[0]] == 0:  # without this member it is as good
            return 0.0, float(values[equal[0]])
        piece = equal[np.argmax(widths[equal])]
        return float(self.edges[piece : piece + 2].mean()), float(values[piece])

    def at(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """MAP and MAP-bg at weights above 0, two float64 of their shape."""
        piece = np.searchsorted(self.edges[:-1], weights, side="right") - 1
        return self.map[piece], self.map_bg[piece]


def line_search(
    objective: Objective, base: np.ndarray, direction: np.ndarray, largest: float
) -> Pieces:
    """MAP and MAP-bg of `base + t * direction` for all t in 0..largest.

    Args:
        objective: the recordings and their species.
        base, direction: float32 [N, C].
        largest: of t, above 0.

    Returns:
        every piece; exact up to the rounding of the points to float32.

    >>> of = Objective.of_all(np.zeros((1, 1, 2), np.float32), [1], np.array([[False, True]]))
    >>> found = line_search(of, np.array([[1, 0]], "f4"), np.array([[0, 1]], "f4"), 4)
    >>> found.edges.tolist(), found.map.tolist()  # from a weight of 1 on it is right
    ([0.0, 1.0, 4.0], [0.5, 1.0])
    """
    found = in_threads(
        lambda block: _steps(objective, base, direction, np.float32(largest), *block),
        objective.blocks,
    )
    starts = np.sum([start for start, *_ in found], axis=0)
    times = np.concatenate([times for _, times, _ in found])
    changes = np.concatenate([changes for *_, changes in found], axis=1)
    order = np.argsort(times)
    count = np.count_nonzero(objective.chosen)
    values = np.empty((2, len(times) + 1))
    values[:, 0] = starts
    np.take(changes, order, axis=1, out=values[:, 1:])
    np.cumsum(values, axis=1, out=values)
    values /= count
    edges = np.concatenate([[0.0], times[order], [float(largest)]])
    return Pieces(np.minimum(edges, largest), values[0], values[1])


def _steps(
    objective: Objective,
    base: np.ndarray,
    direction: np.ndarray,
    largest: np.float32,
    first: int,
    last: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of recordings first..last - 1: sums of both figures just above 0 [2], points [E], changes.

    Changes float64 [2, E] are what the sums of reciprocal ranks and of average precisions gain.
    """
    pairs = objective.pairs
    own = slice(pairs.starts[first], pairs.starts[last])
    rows, labels = pairs.rows[own] - first, pairs.labels[own]
    number = np.arange(len(rows))
    share = 1.0 / pairs.counts[own]
    kind = np.min_scalar_type(base.shape[1])
    here, along = base[first:last], direction[first:last]
    at_end = here + largest * along
    ours, ours_at_end = here[rows, labels][:, None], at_end[rows, labels][:, None]
    of_pairs = here[rows]
    before = of_pairs > ours
    change = (at_end[rows] > ours_at_end) != before
    ranks = before.sum(axis=1, dtype=kind).astype(np.int64) + 1
    places = (before & objective.present[first:last][rows]).sum(axis=1, dtype=np.int64) + 1
    equal = of_pairs == ours
    if np.count_nonzero(equal) > len(rows):  # equal for all t: in label order
        equal &= (along[rows] == along[rows, labels][:, None]) & ~change
        equal &= np.arange(base.shape[1]) < labels[:, None]
        ranks += equal.sum(axis=1)
        places += (equal & objective.present[first:last][rows]).sum(axis=1)
    start = np.array([(1 / ranks[pairs.foreground[own]]).sum(), (places / ranks * share).sum()])

    where = np.flatnonzero(change)
    sizes = change.sum(axis=1, dtype=kind).astype(np.int64)
    pair = np.repeat(number, sizes)
    label = where - pair * base.shape[1]
    row = rows[pair]
    gap = here[row, label] - ours[pair, 0]
    slope = along[row, label] - along[row, labels[pair]]
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.abs(np.nan_to_num(gap / slope, posinf=np.inf, neginf=np.inf))
    # pair, point, direction and kind in one number: sorting these is sorting the steps
    key = pair.astype(np.uint64) << TIME_SHIFT
    key |= np.minimum(times, largest).view(np.uint32).astype(np.uint64) << np.uint64(2)
    key |= before.ravel()[where].astype(np.uint64) << RISES_BIT
    key |= objective.present[first:last][row, label]
    key.sort()

    times = (key >> np.uint64(2)).astype(np.uint32).view(np.float32)
    step = 1 - (key & np.uint64(2)).astype(np.int64)  # p loses a rank, or gains one
    step_place = np.where(key & PRESENT_BIT, step, 0)
    after, after_place = (
        _running(steps, origin, sizes) for steps, origin in ((step, ranks), (step_place, places))
    )
    changes = np.empty((2, len(key)))
    # a foreground species counts without regard to places: 1 / r
    changes[0] = (1 / after - 1 / (after - step)) * pairs.foreground[own][pair]
    changes[1] = (after_place / after - (after_place - step_place) / (after - step)) * share[pair]
    return start, times, changes


def _running(steps: np.ndarray, origin: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Values after each step [E]: running sums, one for each pair, that start at `origin` [P].

    The first `sizes[0]` steps belong to the first pair, and so on.
    """
    total = np.cumsum(steps)
    carried = np.concatenate([[0], total])[np.cumsum(sizes) - sizes]
    return total + np.repeat(origin - carried, sizes)
