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
    the score, the rank among the species (1 is best) and the logit.

    Where it is asked what was heard and what date, time and place added: both in log-odds, and the
    `change` that these made (see `prediction.evidence`).
    """

    start: float
    end: float
    label: int
    score: float
    rank: int
    logit: float
    windows: int = 1
    audio: float | None = None
    place: float | None = None
    change: str = ""


class Merger:
    """Makes events of a recording out of its windows, piece by piece in order of time.

    Args:
        thresholds: [C]; an event has a window with at least this score.
        close: it goes on while scores are at least `close` times the threshold; 1 without
            hysteresis.
        top: so many species of a window at most are heard in it, by score.
    """

    def __init__(self, thresholds: np.ndarray, close: float = 1.0, top: int | None = None):
        self.thresholds, self.close, self.top = thresholds, close, top
        self.open: dict[int, Event] = {}

    def add(
        self,
        starts: np.ndarray,
        ends: np.ndarray,
        scores: np.ndarray,
        logits: np.ndarray,
        evidence: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Iterator[Event]:
        """Events that have ended before the last of these windows.

        starts [W], ends [W] in seconds; scores, logits and both of the evidence (audio, place)
        [W, C].
        """
        above = scores >= self.thresholds * self.close
        for row in np.flatnonzero(above.any(axis=1)):
            start, end = float(starts[row]), float(ends[row])
            yield from self._passed(start)
            for label in map(int, np.flatnonzero(above[row])):
                rank = _rank(scores[row], label)
                if self.top is not None and rank > self.top:
                    continue
                best = old = self.open.get(label)
                if best is None or scores[row, label] > best.score:
                    score, logit = float(scores[row, label]), float(logits[row, label])
                    best = Event(start, end, label, score, rank, logit)
                    if evidence is not None:
                        audio, place = (float(part[row, label]) for part in evidence)
                        best = replace(best, audio=audio, place=place)
                if old is not None:
                    last = max(old.end, end)
                    best = replace(best, start=old.start, end=last, windows=old.windows + 1)
                self.open[label] = best

    def end(self) -> Iterator[Event]:
        """Events that were still open."""
        yield from self._passed(np.inf)

    def _passed(self, now: float) -> Iterator[Event]:
        """Takes out what no window that starts now or later can touch."""
        done = [event for event in self.open.values() if event.end + TOUCH < now]
        for event in sorted(done, key=lambda event: (event.end, event.label)):
            del self.open[event.label]
            if event.score >= self.thresholds[event.label]:
                yield event


def merged(
    blocks: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
    thresholds: np.ndarray,
    close: float = 1.0,
    top: int | None = None,
) -> Iterator[Event]:
    """Events of a recording, each when it has ended; those that end together in label order.

    `blocks` are arguments of `Merger.add`; all at once or piece by piece, with the same result.

    >>> starts, scores = np.array([0.0, 5.0, 10.0]), np.array([[0.9], [0.4], [0.1]])
    >>> block = (starts, starts + 5, scores, np.zeros((3, 1)))
    >>> for close in (1.0, 0.5):  # with hysteresis it goes on
    ...     print([(event.start, event.end) for event in merged([block], np.array([0.6]), close)])
    [(0.0, 5.0)]
    [(0.0, 10.0)]
    """
    merger = Merger(thresholds, close, top)
    for block in blocks:
        yield from merger.add(*block)
    yield from merger.end()


def _rank(scores: np.ndarray, label: int) -> int:
    """1 for the best of scores [C]; of equal ones, the first in label order is the better one."""
    mine = scores[label]
    return 1 + int((scores > mine).sum() + (scores[:label] == mine).sum())
