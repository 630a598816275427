"""Scores of windows: of a fixed length, beginning at multiples of it, against marks in time.

N recordings, C species, W windows of all recordings, E cells (a window and a species) in which the
species is marked or detected. A mark is in a window if at least 0.2 s of it, or half of it, are.
"""

from dataclasses import dataclass

import numpy as np

from birdml.annotations.marks import CLOSE, Marks, is_inside
from birdml.errors import UserError
from birdml.scoring import curves

MOST = 200_000_000  # windows of all marks: some GB


@dataclass(frozen=True)
class Cells:
    """What is known of windows and species; the other of the W x C cells are empty."""

    windows: int  # W
    species: int  # C
    window: np.ndarray  # int64 [E]
    label: np.ndarray  # int32 [E]
    score: np.ndarray  # the highest of its detections, float64 [E]; -inf where there is none
    present: np.ndarray  # bool [E]


def cells_of(
    truth: Marks, detections: Marks, seconds: np.ndarray, length: float, species: int
) -> Cells:
    """Windows of all recordings out of marks of both sides.

    Args:
        truth: its `file` points into the N recordings, its `species` are labels.
        detections: likewise; one without a score counts as 1.
        seconds: how long each recording is, float64 [N]; what lies behind does not count.
        length: of a window, in seconds.
        species: C.

    Raises:
        UserError: where there are too many windows to be held.
    """
    counts = _window_counts(seconds, length)
    firsts = np.cumsum(counts) - counts
    wanted, _ = _cells(truth, firsts, counts, length, species)
    wanted = np.unique(wanted)
    key, score = _cells(detections, firsts, counts, length, species)
    order = np.lexsort((-score, key))
    key, score = key[order], score[order]
    first = np.ones(len(key), bool)
    first[1:] = key[1:] != key[:-1]
    key, score = key[first], score[first]
    present = np.isin(key, wanted, assume_unique=True)
    missed = np.setdiff1d(wanted, key, assume_unique=True)
    key = np.concatenate([key, missed])
    return Cells(
        int(counts.sum()),
        species,
        key // species,
        (key % species).astype(np.int32),
        np.concatenate([score, np.full(len(missed), -np.inf)]),
        np.concatenate([present, np.ones(len(missed), bool)]),
    )


def window_recordings(seconds: np.ndarray, length: float) -> np.ndarray:
    """Which recording each window of `cells_of` is in, int64 [W], of lengths [N].

    >>> window_recordings(np.array([12.0, 5.0]), 5.0).tolist()
    [0, 0, 0, 1]
    """
    return np.repeat(np.arange(len(seconds)), _window_counts(seconds, length))


def _window_counts(seconds: np.ndarray, length: float) -> np.ndarray:
    return np.ceil((seconds - CLOSE) / length).astype(np.int64).clip(0)


def _cells(
    marks: Marks, firsts: np.ndarray, counts: np.ndarray, length: float, species: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cell (window times C plus label) and score of each mark in each window that it is in."""
    first = np.floor(marks.start / length).astype(np.int64)
    last = np.maximum(np.ceil(marks.end / length).astype(np.int64), first + 1)
    several = last - first
    if several.sum() > MOST:
        raise UserError(
            f"the marks lie in {several.sum()} windows of {length:g} s, more than fit into memory; "
            "choose longer windows"
        )
    mark = np.repeat(np.arange(len(marks)), several)
    within = np.arange(len(mark)) - np.repeat(np.cumsum(several) - several, several)
    window = first[mark] + within
    begin = window * length
    overlap = np.minimum(marks.end[mark], begin + length) - np.maximum(marks.start[mark], begin)
    inside = is_inside(overlap, (marks.end - marks.start)[mark])
    chosen = inside & (window < counts[marks.file[mark]])
    mark, window = mark[chosen], window[chosen]
    key = (firsts[marks.file[mark]] + window) * species + marks.species[mark]
    return key, np.nan_to_num(marks.score[mark], nan=1.0)


@dataclass(frozen=True)
class WindowScores:
    """Figures over all windows; NaN where there is nothing to count.

    Means over species leave out those without a positive (`without`), AUROC also those that are in
    every window.
    """

    windows: int
    species: int  # with a positive window
    without: int  # of the label set, never marked
    cmap: float  # mean over species of the average precision
    map_micro: float  # average precision of all cells together
    auroc: float  # mean over species
    top1: float  # share of windows with a mark whose best detection is right
    lwlrap: float
    best_f1: float  # of all cells together, at the best score
    best_threshold: float


def window_scores(c: Cells) -> tuple[WindowScores, curves.Curves, curves.Curves]:
    """The figures, the curves of each species, and the one of all cells together.

    cmAP is the mean over species of `curves.average_precision`, as BirdCLEF 2023 ranked by (there
    with five rows of padding); `map_micro` the same of all cells in one list.
    """
    own = curves.curves(c.label, c.score, c.present, c.species, c.windows)
    together = curves.curves(
        np.zeros(len(c.label), np.int32), c.score, c.present, 1, c.windows * c.species
    )
    best, threshold = curves.best_f1(together)
    there = int((own.positives > 0).sum())
    scores = WindowScores(
        windows=c.windows,
        species=there,
        without=c.species - there,
        cmap=_mean(curves.average_precision(own)),
        map_micro=float(curves.average_precision(together)[0]),
        auroc=_mean(curves.auroc(own)),
        top1=top1(c),
        lwlrap=lwlrap(c),
        best_f1=float(best[0]),
        best_threshold=float(threshold[0]),
    )
    return scores, own, together


def top1(c: Cells) -> float:
    """Share of the windows with a mark whose highest score is of a species that is there.

    Of equal scores the first in label order counts; a window without detection is wrong.

    >>> first, second = (0.9, True), (0.8, False)  # both in window 0; window 1 holds a wrong one
    >>> score, present = map(np.array, zip(first, second, (0.7, False), (-np.inf, True)))
    >>> top1(Cells(2, 2, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), score, present))
    0.5
    """
    marked = np.zeros(c.windows, bool)
    marked[c.window[c.present]] = True
    order = np.lexsort((c.label, -c.score, c.window))
    window = c.window[order]
    first = np.ones(len(window), bool)
    first[1:] = window[1:] != window[:-1]
    best = order[first]
    right = c.present[best] & ~np.isneginf(c.score[best])
    return _share(int(right.sum()), int(marked.sum()))


def lwlrap(c: Cells) -> float:
    """Label-weighted label-ranking average precision (Fonseca et al., DCASE 2019, task 2).

    Each positive cell is weighted alike: of the species of its window that score at least as high,
    the share that is there. Species that were not detected share the last rank. It is
    scikit-learn's `label_ranking_average_precision_score` with windows weighted by their labels.
    """
    ranked = curves.curves(c.window, c.score, c.present, c.windows, c.species)
    rises = np.diff(ranked.right, prepend=0)
    first = np.ones(len(rises), bool)
    first[1:] = ranked.group[1:] != ranked.group[:-1]
    rises[first] = ranked.right[first]
    positives = int(c.present.sum())
    return float((rises * ranked.right / ranked.found).sum() / positives) if positives else np.nan


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
