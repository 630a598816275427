"""From scores over time to lines to check: CSV, Raven selection tables, Audacity labels."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from birdml.calibration.events import Event
from birdml.calibration.reading import Reading
from birdml.dataset.recording import Species
from birdml.files import csv_text

HEADER = ("file", "start", "end", "species", "latin_name", "score", "rank")
SUFFIXES = {"csv": ".csv", "raven": ".selections.txt", "audacity": ".labels.txt"}
RAVEN_HEADER = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Begin File",
    "Species",
    "Class",
    "Score",
    "Rank",
)
RAVEN_BAND = (0, 11025)  # Hz: the models tell when, not at which pitch


def best_species(
    starts: np.ndarray, ends: np.ndarray, logits: np.ndarray, reading: Reading, top: int
) -> Iterator[Event]:
    """The `top` best species of each window that reach their thresholds, best first.

    [n] seconds, [n] seconds, [n, C].
    """
    top = min(top, logits.shape[1])
    scores = reading.scores(logits)
    by = logits if reading.presence is None else scores  # shares that are 0 still have an order
    some = np.argpartition(-by, top - 1, axis=1)[:, :top]
    order = np.lexsort((some, -np.take_along_axis(by, some, axis=1)), axis=1)  # then by label
    labels = np.take_along_axis(some, order, axis=1)
    for row in range(len(logits)):
        for place, label in enumerate(map(int, labels[row])):
            score = float(scores[row, label])
            if reading.thresholds is None or score >= reading.thresholds[label]:
                times, logit = (float(starts[row]), float(ends[row])), float(logits[row, label])
                yield Event(*times, label, score, place + 1, logit)


def joined(detections: Iterable[Event]) -> Iterator[Event]:
    """Joins what follows each other with the same species at the same rank; the best score stays.

    Scores of every frame become stretches of time, in order of their ends.
    """
    open_: dict[int, Event] = {}
    for new in detections:
        old = open_.get(new.rank)
        if old and old.label == new.label and new.start <= old.end + 1e-6:
            best = new if new.score > old.score else old
            times = {"start": old.start, "end": new.end}
            open_[new.rank] = replace(best, **times, windows=old.windows + 1)
            continue
        if old:
            yield old
        open_[new.rank] = new
    yield from sorted(open_.values(), key=lambda d: (d.start, d.rank))


def as_text(detections: Sequence[Event], file: str, species: Sequence[Species], form: str) -> str:
    """The content of a file in one of the formats of SUFFIXES; ValueError for another."""
    if form == "csv":
        return csv_text(HEADER, (_row(d, file, species) for d in detections))
    if form == "raven":
        lines = ["\t".join(RAVEN_HEADER)]
        for number, d in enumerate(detections, 1):
            one = species[d.label]
            times = (f"{d.start:.3f}", f"{d.end:.3f}", *map(str, RAVEN_BAND))
            names = (Path(file).name, one.latin_name or one.class_id, one.class_id)
            lines.append(
                "\t".join(
                    (str(number), "Spectrogram 1", "1", *times, *names, f"{d.score:.4f}")
                    + (str(d.rank),)
                )
            )
        return "\n".join(lines) + "\n"
    if form == "audacity":
        return "".join(
            f"{d.start:.6f}\t{d.end:.6f}\t{_name(species[d.label])} {d.score:.2f}\n"
            for d in detections
        )
    raise ValueError(f"format '{form}' is none of {', '.join(SUFFIXES)}")


def _row(d: Event, file: str, species: Sequence[Species]) -> tuple[object, ...]:
    one = species[d.label]
    return (
        file,
        f"{d.start:.3f}",
        f"{d.end:.3f}",
        one.class_id,
        one.latin_name,
        f"{d.score:.6f}",
        d.rank,
    )


def _name(species: Species) -> str:
    return species.latin_name or species.class_id
