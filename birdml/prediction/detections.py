"""From logits over time to detections: the best species of windows, and stretches of frames."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from birdml.calibration.events import Event
from birdml.calibration.reading import Reading


def best_species(
    starts: np.ndarray, ends: np.ndarray, logits: np.ndarray, reading: Reading, top: int
) -> Iterator[Event]:
    """The `top` best species of each window that reach their thresholds, best first.

    [n] seconds, [n] seconds, [n, C].

    >>> logits = np.log([[0.7, 0.1, 0.2]])
    >>> for one in best_species(np.array([0.0]), np.array([5.0]), logits, Reading(), top=2):
    ...     print(one.label, round(one.score, 3), one.rank)
    0 0.7 1
    2 0.2 2
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

    >>> first, second = Event(0, 5, 7, 0.6, 1, 0.4), Event(5, 10, 7, 0.9, 1, 2.2)
    >>> [(one.start, one.end, one.score, one.windows) for one in joined([first, second])]
    [(0, 10, 0.9, 2)]
    """
    open_: dict[int, Event] = {}
    for new in detections:
        old = open_.get(new.rank)
        if old and old.label == new.label and new.start <= old.end + 1e-6:
            best = new if new.score > old.score else old
            windows = old.windows + 1
            open_[new.rank] = replace(best, start=old.start, end=new.end, windows=windows)
            continue
        if old:
            yield old
        open_[new.rank] = new
    yield from sorted(open_.values(), key=lambda d: (d.start, d.rank))
