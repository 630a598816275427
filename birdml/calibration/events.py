"""Events: windows that overlap or touch and hold the same species become one detection.

With hysteresis, an event goes on, before and after, as far as the score stays above a share of the
threshold that it passes somewhere.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

TOUCH = 1e-6  # seconds: windows whose times were computed differ in the last digits


@dataclass(frozen=True, slots=True)
class Event:
    """A species between two times in seconds, in so many windows; of that with its highest score,
    the score, the rank among the species (1 is best) and the logit."""

    start: float
    end: float
    label: int
    score: float
    rank: int
    logit: float
    windows: int = 1


def merged(
    blocks: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
    thresholds: np.ndarray,
    close: float = 1.0,
    top: int | None = None,
) -> Iterator[Event]:
    """Events of a recording, each when it has ended; those that end together in label order.

    Args:
        blocks: starts [W], ends [W] in seconds, scores [W, C] and logits [W, C] of windows in
            order of time; all at once or piece by piece, with the same result.
        thresholds: [C]; an event has a window with at least this score.
        close: it goes on while scores are at least `close` times the threshold; 1 without
            hysteresis.
        top: so many species of a window at most are heard in it, by score.
    """
    open_: dict[int, Event] = {}
    for starts, ends, scores, logits in blocks:
        above = scores >= thresholds * close
        for row in np.flatnonzero(above.any(axis=1)):
            start, end = float(starts[row]), float(ends[row])
            yield from _passed(open_, start, thresholds)
            for label in map(int, np.flatnonzero(above[row])):
                rank = _rank(scores[row], label)
                if top is not None and rank > top:
                    continue
                best = old = open_.get(label)
                if best is None or scores[row, label] > best.score:
                    score, logit = float(scores[row, label]), float(logits[row, label])
                    best = Event(start, end, label, score, rank, logit)
                if old is not None:
                    last = max(old.end, end)
                    best = replace(best, start=old.start, end=last, windows=old.windows + 1)
                open_[label] = best
    yield from _passed(open_, np.inf, thresholds)


def _rank(scores: np.ndarray, label: int) -> int:
    """1 for the best of scores [C]; of equal ones, the first in label order is the better one."""
    mine = scores[label]
    return 1 + int((scores > mine).sum() + (scores[:label] == mine).sum())


def _passed(open_: dict[int, Event], now: float, thresholds: np.ndarray) -> Iterator[Event]:
    """Takes out what no window that starts now or later can touch."""
    done = [event for event in open_.values() if event.end + TOUCH < now]
    for event in sorted(done, key=lambda event: (event.end, event.label)):
        del open_[event.label]
        if event.score >= thresholds[event.label]:
            yield event
