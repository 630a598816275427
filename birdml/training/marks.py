"""Marks in time for training: where an excerpt is cut, and which species sing in it.

N recordings of a feed, B excerpts of a batch, C species.
"""

from collections.abc import Sequence

import numpy as np

from birdml.annotations.marks import is_inside
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE, Recording
from birdml.signal.excerpts import Excerpts


class Marked:
    """The marks of the recordings that are annotated through; of the others there are none."""

    def __init__(self, dataset: Dataset, recordings: Sequence[Recording], lengths: np.ndarray):
        """`lengths` of the N recordings in samples, int64 [N]."""
        self.classes, self.lengths = len(dataset.classes), lengths
        self.through = np.zeros(len(recordings), bool)  # [N]
        self._marks: dict[int, np.ndarray] = {}  # start, end in seconds, label: float64 [M, 3]
        known = dataset.annotations
        for row, recording in enumerate(recordings):
            if known is not None and recording.file in known.place_of:
                of = known.rows_of(recording.file)
                columns = (known.start[of], known.end[of], known.label[of].astype(np.float64))
                self._marks[row] = np.stack(columns, axis=1)
                self.through[row] = True

    def present(self, excerpts: Excerpts) -> np.ndarray:
        """The species that sing in each excerpt, bool [B, C].

        A mark counts if at least 0.2 s of it, or half of it, lie in the excerpt; all false where a
        recording is not annotated. A looped recording holds all its marks.
        """
        there = np.zeros((len(excerpts.indices), self.classes), bool)
        for row, (index, first) in enumerate(zip(excerpts.indices, excerpts.starts)):
            if self.through[index]:
                marks = self._marks[index]
                inside = _inside(marks, first / SAMPLE_RATE, excerpts.samples / SAMPLE_RATE)
                there[row, marks[inside, 2].astype(np.int64)] = True
        return there

    def around(
        self, excerpts: Excerpts, share: float, always: bool, rng: np.random.Generator
    ) -> Excerpts:
        """Excerpts of annotated recordings moved to a mark, with a probability of `share`.

        Of the species of the recording each is equally likely, and so is each of its marks. A mark
        that is shorter than the excerpt lies in it whole, at any place; a longer one fills it.
        With `always`, an excerpt in which nothing sings is moved to a mark too.
        """
        chance = rng.random((len(excerpts.indices), 4))
        silent = np.zeros(len(chance), bool)
        if always:
            silent = ~np.asarray(self.present(excerpts).any(axis=1))
        starts = excerpts.starts.copy()
        for row, index in enumerate(excerpts.indices):
            if not self.through[index] or not (chance[row, 0] < share or silent[row]):
                continue
            marks = self._marks[index]
            if not len(marks):
                continue
            labels = np.unique(marks[:, 2])
            own = marks[marks[:, 2] == labels[int(chance[row, 1] * len(labels))]]
            starts[row] = self._start(
                int(index), own[int(chance[row, 2] * len(own))], excerpts.samples, chance[row, 3]
            )
        return Excerpts(excerpts.indices, starts, excerpts.samples)

    def on_foreground(self, excerpts: Excerpts, foreground: np.ndarray) -> Excerpts:
        """Excerpts of annotated recordings about the longest mark of their foreground species,
        labels int64 [N]; where that is not marked, about the longest of all."""
        starts = excerpts.starts.copy()
        for row, index in enumerate(excerpts.indices):
            marks = self._marks.get(int(index), np.zeros((0, 3)))
            if not len(marks):
                continue
            own = marks[marks[:, 2] == foreground[index]]
            own = own if len(own) else marks
            longest = own[np.argmax(own[:, 1] - own[:, 0])]
            starts[row] = self._start(int(index), longest, excerpts.samples, 0.5)
        return Excerpts(excerpts.indices, starts, excerpts.samples)

    def _start(self, index: int, mark: np.ndarray, samples: int, where: float) -> int:
        """The first sample of an excerpt about a mark; `where` in 0..1 is its place in it."""
        latest = max(0, int(self.lengths[index]) - samples)
        begin, end = int(mark[0] * SAMPLE_RATE), int(np.ceil(mark[1] * SAMPLE_RATE))
        low, high = sorted((begin, end - samples))
        low, high = min(max(low, 0), latest), min(max(high, 0), latest)
        return low + int(where * (high - low + 1 - 1e-9))


def _inside(marks: np.ndarray, begin: float, seconds: float) -> np.ndarray:
    """Which marks [M, 3] are in an excerpt, bool [M]."""
    overlap = np.minimum(marks[:, 1], begin + seconds) - np.maximum(marks[:, 0], begin)
    return is_inside(overlap, marks[:, 1] - marks[:, 0])
