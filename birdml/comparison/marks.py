"""Detections of several models and tools on one truth: how sure the order is, species by species.

K detectors, N recordings, C species, W windows, E cells (see `scoring.windows`), R resamples. All
resamples are shared between detectors, so that differences are paired.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from birdml.comparison.statistics import LEVEL, Interval
from birdml.errors import UserError
from birdml.scoring.windows import Cells, WindowScores, window_scores

RESAMPLES = 1000
SURE = 0.95  # share of resamples from which on an order is called sure


@dataclass(frozen=True)
class Detector:
    """What one model or tool detected, in cells of the same windows and species as the others."""

    name: str
    what: str  # a table, or the family of a model
    cells: Cells
    event_f1: float  # at its best threshold


@dataclass(frozen=True)
class DetectorComparison:
    """Detectors by descending cmAP [K], with what is said of each, of pairs and of species."""

    truth: str
    recordings: int
    windows: int
    length: float  # of a window, seconds
    over: str
    units: int  # that are drawn for the intervals
    called: tuple[str, ...]  # C, as species are shown
    positives: np.ndarray  # windows with the species, int64 [C]
    detectors: tuple[Detector, ...]
    scores: tuple[WindowScores, ...]
    cmap: tuple[Interval, ...]
    behind: tuple[Interval, ...]  # cmAP less than the first one's
    wins: np.ndarray  # share of the resamples in which the row has the higher cmAP, [K, K]
    own: np.ndarray  # average precision of each species, NaN without a positive, [K, C]
    best: np.ndarray  # place of the best detector of each species, -1 where there is none, int [C]
    sure: np.ndarray  # share of resamples in which the best beats the next; NaN for K = 1, [C]
    notes: tuple[tuple[str, str], ...] = ()  # name of a detector, what was noticed


def compare_detectors(
    truth: str,
    detectors: Sequence[Detector],
    recording_of: np.ndarray,
    called: Sequence[str],
    length: float,
    over: str = "recordings",
    groups: np.ndarray | None = None,
    notes: Sequence[tuple[str, str]] = (),
    seed: int = 0,
) -> DetectorComparison:
    """Compares detectors that were brought into the same windows.

    Args:
        truth: what it is called.
        recording_of: each window's recording, int [W] in 0..N-1.
        called: C species.
        length: of a window in seconds.
        over: what is drawn anew for the intervals, in words.
        groups: of recordings that are drawn together, int [N] in 0..G-1; None: each by itself.

    Raises:
        UserError: where there is no detector, or nothing is marked.
    """
    if not detectors:
        raise UserError("nothing to compare: name models or tables with -P models=")
    scored = [window_scores(d.cells) for d in detectors]
    if not scored[0][0].species:
        raise UserError("nothing to compare: no window of the truth holds a mark")
    order = sorted(range(len(detectors)), key=lambda k: (-scored[k][0].cmap, detectors[k].name))
    detectors = [detectors[k] for k in order]
    recordings = int(recording_of.max()) + 1
    counts = draws(recordings if groups is None else int(groups.max()) + 1, seed)
    weights = counts if groups is None else counts[:, groups[:recordings]]
    resampled = np.stack([precisions(d.cells, recording_of, weights) for d in detectors])
    once = np.ones((1, recordings))
    own = np.stack([precisions(d.cells, recording_of, once)[0] for d in detectors])
    known = np.isfinite(resampled)
    with np.errstate(invalid="ignore"):  # where nothing that is drawn is marked
        means = np.where(known, resampled, 0).sum(axis=2) / known.sum(axis=2)  # [K, R]
    best, sure = _best_of_species(own, resampled)
    return DetectorComparison(
        truth=truth,
        recordings=recordings,
        windows=detectors[0].cells.windows,
        length=length,
        over=over,
        units=counts.shape[1],
        called=tuple(called),
        positives=np.bincount(
            detectors[0].cells.label[detectors[0].cells.present], minlength=len(called)
        ),
        detectors=tuple(detectors),
        scores=tuple(scored[k][0] for k in order),
        cmap=tuple(_interval(scored[k][0].cmap, m) for k, m in zip(order, means)),
        behind=tuple(
            _interval(scored[order[0]][0].cmap - scored[k][0].cmap, means[0] - m)
            for k, m in zip(order, means)
        ),
        wins=(means[:, None] > means[None]).mean(axis=2),
        own=own,
        best=best,
        sure=sure,
        notes=tuple(notes),
    )


def draws(units: int, seed: int = 0) -> np.ndarray:
    """How often each unit is drawn, with replacement, int64 [R, units] (Efron 1979)."""
    rng = np.random.default_rng([seed, units])
    return np.stack(
        [np.bincount(rng.integers(0, units, units), minlength=units) for _ in range(RESAMPLES)]
    )


def precisions(cells: Cells, recording_of: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision of each species where recordings count several times, float64 [R, C].

    Each window counts `weights` [R, N] times by its recording, as if it stood in the list so often:
    with ones it is `scoring.curves.average_precision`. NaN where nothing is positive.
    """
    order = np.lexsort((-cells.score, cells.label))
    label, score, present = cells.label[order], cells.score[order], cells.present[order]
    recording = recording_of[cells.window[order]]
    last = np.ones(len(label), bool)  # of equal scores
    last[:-1] = (label[1:] != label[:-1]) | (score[1:] != score[:-1])
    places = np.flatnonzero(last)
    sizes = np.bincount(label, minlength=cells.species)
    firsts = np.cumsum(sizes) - sizes
    group = label[places]
    undetected = np.isneginf(score[places])
    opens = np.ones(len(places), bool)  # the first place of a species
    opens[1:] = group[1:] != group[:-1]
    windows = np.bincount(recording_of, minlength=weights.shape[1])
    result = np.empty((len(weights), cells.species))
    for row, weight in enumerate(np.asarray(weights, np.float64)):
        found = np.concatenate([[0.0], np.cumsum(weight[recording])])
        right = np.concatenate([[0.0], np.cumsum(weight[recording] * present)])
        count = found[places + 1] - found[firsts[group]]
        count[undetected] = weight @ windows
        hits = right[places + 1] - right[firsts[group]]
        rises = np.diff(hits, prepend=0.0)
        rises[opens] = hits[opens]
        gained = rises * hits / np.maximum(count, 1)
        positives = right[firsts + sizes] - right[firsts]
        with np.errstate(invalid="ignore", divide="ignore"):
            result[row] = np.bincount(group, gained, cells.species) / positives
    return result


def _best_of_species(own: np.ndarray, resampled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best detector of each species [C], and in how many resamples it beats the next one [C].

    Resamples without the species do not count; where several are equally good, there is no best.
    """
    detectors, species = own.shape
    best, sure = np.full(species, -1), np.full(species, np.nan)
    for label in range(species):
        if np.isnan(own[:, label]).any():
            continue
        order = np.argsort(-own[:, label], kind="stable")
        if detectors == 1:
            best[label] = 0
        elif own[order[0], label] > own[order[1], label]:
            best[label] = order[0]
            first, second = resampled[order[0], :, label], resampled[order[1], :, label]
            there = ~np.isnan(first)
            sure[label] = (first[there] > second[there]).mean()
    return best, sure


def _interval(value: float, values: np.ndarray) -> Interval:
    tail = (100 - LEVEL) / 2
    low, high = np.nanpercentile(values, (tail, 100 - tail))
    return Interval(value, float(low), float(high))


def findings(report: DetectorComparison) -> list[str]:
    """What the figures say, in sentences; only what holds beyond chance is said to be so."""
    first = report.detectors[0].name
    one = report.cmap[0]
    lines = [f"Best: {first} with cmAP {one.value:.3f}, {one.low:.3f} to {one.high:.3f}."]
    for place in range(1, len(report.detectors)):
        won = float(report.wins[0, place])
        clear = "a clear order" if won >= SURE else "no clear order"
        lines.append(
            f"It beats {report.detectors[place].name} in {won:.0%} of {RESAMPLES} resamples: "
            f"{clear}."
        )
    marked = int((report.positives > 0).sum())
    for place, detector in enumerate(report.detectors if len(report.detectors) > 1 else ()):
        better = int((report.best == place).sum())
        sure = int(((report.best == place) & (report.sure >= SURE)).sum())
        if better:
            lines.append(
                f"{detector.name} is the best on {better} of {marked} species"
                + (f", surely on {sure}." if sure else ", on none surely.")
            )
    return lines
