"""Scores of events: each mark is found by at most one detection, and each detection finds one.

Of all ways to pair them the one with the most pairs counts (maximum matching of a bipartite graph,
as mir_eval does it for notes; Raffel et al. 2014). What may be paired is of the same recording and
species, and either

- overlaps enough: the time both share, by the time either takes (intersection over union); or
- begins at the same time but for a tolerance (onsets, Mesaros et al. 2016).
"""

from dataclasses import dataclass

import numpy as np

from birdml.annotations.marks import Marks

CLOSE = 1e-9


@dataclass(frozen=True)
class Matches:
    """How many marks and detections there are of each species, and how many are paired, [C]."""

    right: np.ndarray
    found: np.ndarray
    positives: np.ndarray


def event_matches(
    truth: Marks,
    detections: Marks,
    species: int,
    iou: float = 0.5,
    onset: float | None = None,
) -> Matches:
    """Pairs marks and detections; `file` and `species` of both point into the same tables.

    Args:
        truth: the marks.
        detections: all of them count; choose by score before.
        species: C.
        iou: the least intersection over union, in 0 < iou <= 1.
        onset: seconds that the beginnings may differ by, instead of `iou`.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    mark, detection = _pairs(truth, detections, species, iou, onset)
    graph = csr_array(
        (np.ones(len(mark), np.int8), (mark, detection)), shape=(len(truth), len(detections))
    )
    paired = maximum_bipartite_matching(graph, perm_type="column") >= 0
    return Matches(
        np.bincount(truth.species[paired], minlength=species),
        np.bincount(detections.species, minlength=species),
        np.bincount(truth.species, minlength=species),
    )


def _pairs(
    truth: Marks, detections: Marks, species: int, iou: float, onset: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Places of marks and detections that may be paired, int64 each."""
    length = detections.end - detections.start
    if onset is not None:
        earliest, latest = detections.start - onset - CLOSE, detections.start + onset + CLOSE
    else:  # a mark that begins earlier by more is too long to overlap enough
        earliest = detections.start - length * (1 / iou - 1) - CLOSE
        latest = detections.end + CLOSE
    # recording and species as one number
    of_truth = truth.file.astype(np.int64) * species + truth.species
    of_detection = detections.file.astype(np.int64) * species + detections.species
    order = np.lexsort((truth.start, of_truth))
    low = _searched(of_truth[order], truth.start[order], of_detection, earliest)
    high = _searched(of_truth[order], truth.start[order], of_detection, latest)
    several = np.maximum(high - low, 0)
    detection = np.repeat(np.arange(len(detections)), several)
    within = np.arange(len(detection)) - np.repeat(np.cumsum(several) - several, several)
    mark = order[low[detection] + within]
    if onset is None:
        starts, ends_ = truth.start[mark], truth.end[mark]
        shared = np.minimum(ends_, detections.end[detection]) - np.maximum(
            starts, detections.start[detection]
        )
        either = (ends_ - starts) + length[detection] - shared
        chosen = (shared > 0) & (shared >= iou * either - CLOSE)
        mark, detection = mark[chosen], detection[chosen]
    return mark, detection


def _searched(
    groups: np.ndarray, times: np.ndarray, group: np.ndarray, time: np.ndarray
) -> np.ndarray:
    """Where (group, time) stand among rows sorted by both."""
    own = np.concatenate([groups, group])
    all_times = np.concatenate([times, time])
    is_asked = np.concatenate([np.zeros(len(groups), np.int8), np.ones(len(group), np.int8)])
    order = np.lexsort((is_asked, all_times, own))
    asked = is_asked[order].astype(bool)
    before = np.cumsum(~asked)
    result = np.empty(len(group), np.int64)
    result[order[asked] - len(groups)] = before[asked]
    return result
