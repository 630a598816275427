"""Detections against annotations: what is right from a score on, and figures of each species."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from birdml.annotations.pairing import Pair
from birdml.scoring import curves
from birdml.scoring.events import Matches, event_matches


@dataclass(frozen=True)
class Rates:
    """What is right from a score on, of windows and of events, all species together."""

    threshold: float
    precision: float
    recall: float
    f1: float
    event_precision: float
    event_recall: float
    event_f1: float


def events_from(
    pair: Pair, threshold: float, iou: float = 0.5, onset: float | None = None, species: int = 0
) -> Matches:
    """Events of the detections from a score on (those without a score count as 1), [C].

    Args:
        pair: both sides.
        threshold: NaN, where none was found, chooses none.
        iou, onset: see `scoring.events`.
        species: C; 0: those of the pair.
    """
    score = np.nan_to_num(pair.detections.score, nan=1.0)
    chosen = pair.detections.where(score >= threshold)
    return event_matches(pair.truth, chosen, species or len(pair.called), iou, onset)


def rates_from(together: curves.Curves, threshold: float, matches: Matches) -> Rates:
    """Rates from a score on; `together` holds the windows of all species as one group."""
    right, found = curves.at_threshold(together, threshold)
    window = curves.rates(right, found, together.positives)
    event = curves.rates(
        np.array([matches.right.sum()]),
        np.array([matches.found.sum()]),
        np.array([matches.positives.sum()]),
    )
    return Rates(threshold, *(float(value[0]) for value in (*window, *event)))


def species_rows(
    pair: Pair, own: curves.Curves, matches: Matches, thresholds: Sequence[float]
) -> list[dict]:
    """One row for each species that is marked or detected, the most frequent first.

    Args:
        pair: both sides.
        own: curves of windows, a group for each species.
        matches: events from the best threshold on.
        thresholds: at which windows have columns of their own.
    """
    precision, auroc = curves.average_precision(own), curves.auroc(own)
    best, at = curves.best_f1(own)
    rates = {t: curves.rates(*curves.at_threshold(own, t), own.positives) for t in thresholds}
    events = curves.rates(matches.right, matches.found, matches.positives)
    detected = np.bincount(pair.detections.species, minlength=len(pair.called))
    rows = []
    for label in np.lexsort((np.arange(len(best)), -own.positives)).tolist():
        if not own.positives[label] and not detected[label]:
            continue
        row: dict[str, object] = {
            "class_id": pair.called[label],
            "species": pair.shown[label],
            "windows": int(own.positives[label]),
            "marks": int(matches.positives[label]),
            "detections": int(detected[label]),
            "average_precision": float(precision[label]),
            "auroc": float(auroc[label]),
            "best_f1": float(best[label]),
            "best_threshold": float(at[label]),
        }
        for threshold, values in rates.items():
            for name, value in zip(("precision", "recall", "f1"), values, strict=True):
                row[f"{name}_at_{threshold:g}"] = float(value[label])
        for name, value in zip(("precision", "recall", "f1"), events, strict=True):
            row[f"event_{name}"] = float(value[label])
        rows.append(row)
    return rows
