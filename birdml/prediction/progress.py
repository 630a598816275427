"""How far many files are: in hours of audio, how fast, and how long it will take.

How long a file is shows when it is read. Until then it counts by its bytes, so that no file is
opened twice; totals are therefore given as `about`.
"""

import threading
from time import monotonic
from typing import TextIO

from tqdm import tqdm

USUAL = 88200.0  # bytes per second of audio, until a file has told: 16 bits at 44.1 kHz


class Progress:
    """A bar over bytes that speaks of hours. Threads may report side by side."""

    def __init__(self, total: int, screen: TextIO):
        self._total, self._lock, self._begin = total, threading.Lock(), monotonic()
        self.seconds = 0.0  # of audio heard
        self._done = self._of_done = 0.0  # bytes and seconds of files that are finished
        form = "audio {percentage:3.0f}%|{bar}| {postfix}, {remaining} left"
        self._bar = tqdm(total=total, disable=None, file=screen, bar_format=form)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()

    def heard(self, seconds: float) -> None:
        """So many more seconds of audio went through the networks."""
        with self._lock:
            self.seconds += seconds
            self._show(self._done + (self.seconds - self._of_done) * self._rate())

    def finished(self, size: int, seconds: float) -> None:
        """A file is done that has so many bytes and seconds."""
        with self._lock:
            self._done += size
            self._of_done += seconds
            self.seconds = max(self.seconds, self._of_done)
            self._show(self._done)

    def summary(self) -> str:
        """Hours and rate, for the end; empty where nothing was heard."""
        taken = monotonic() - self._begin
        if not self.seconds or not taken:
            return ""
        return f"{hours(self.seconds)} of audio, {self.seconds / taken:.0f} x real time"

    def _rate(self) -> float:
        return self._done / self._of_done if self._done and self._of_done else USUAL

    def _show(self, at: float) -> None:
        about = hours(max(self._total / self._rate(), self.seconds))
        taken = max(monotonic() - self._begin, 1e-9)
        text = f"{hours(self.seconds)} of about {about}, {self.seconds / taken:.0f} x real time"
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update(min(at, self._total) - self._bar.n)


def hours(seconds: float) -> str:
    """
    >>> hours(90), hours(5400), hours(3.6e6)
    ('0.03 h', '1.5 h', '1000 h')
    """
    value = seconds / 3600
    return f"{value:.2f} h" if value < 1 else f"{value:.1f} h" if value < 100 else f"{value:.0f} h"
