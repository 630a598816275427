"""Events: windows that overlap or touch and hold the same species become one detection.

With hysteresis, an event goes on, before and after, as far as the score stays above a share of the
threshold that it passes somewhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

TOUCH = 1e-6  # seconds: windows whose times were computed differ in the last digits


@dataclass(frozen=True, slots=True)
class Event:
    """A species between two times in seconds; its highest score, and of how many windows."""

    start: float
    end: float
    label: int
    score: float
    windows: int


def merged(
    blocks: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]],
    thresholds: np.ndarray,
    close: float = 1.0,
) -> Iterator[Event]:
    """Events of a recording, each when it has ended; those that end together in label order.

    Args:
        blocks: starts [W], ends [W] in seconds and scores [W, C] of windows in order of time; all
            at once or piece by piece, with the same result.
        thresholds: [C]; an event has a window with at least this score.
        close: it goes on while scores are at least `close` times the threshold; 1 without
            hysteresis.
    """
    open_: dict[int, Event] = {}
    for starts, ends, scores in blocks:
        above = scores >= thresholds * close
        for row in np.flatnonzero(above.any(axis=1)):
            start, end = float(starts[row]), float(ends[row])
            yield from _passed(open_, start, thresholds)
            for label in map(int, np.flatnonzero(above[row])):
                score, old = float(scores[row, label]), open_.get(label)
                if old is None:
                    open_[label] = Event(start, end, label, score, 1)
                else:
                    open_[label] = Event(
                        old.start, max(old.end, end), label, max(old.score, score), old.windows + 1
                    )
    yield from _passed(open_, np.inf, thresholds)


def _passed(open_: dict[int, Event], now: float, thresholds: np.ndarray) -> Iterator[Event]:
    """Takes out what no window that starts now or later can touch."""
    done = [event for event in open_.values() if event.end + TOUCH < now]
    for event in sorted(done, key=lambda event: (event.end, event.label)):
        del open_[event.label]
        if event.score >= thresholds[event.label]:
            yield event
