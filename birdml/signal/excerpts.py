"""Which excerpts of which recordings make a batch, and their samples.

Batches are drawn without state: which one comes at a step depends on the seed and the step alone,
so that resuming, threads and machines change nothing.
"""

from dataclasses import dataclass

import numpy as np

from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.signal.wav import AudioReader
from birdml.streams import EXCERPTS, stream

VALIDATION_SHARE = 0.8  # of the longest recording of a batch that its excerpts are long


@dataclass(frozen=True)
class Excerpts:
    """One batch: recordings `indices` int64 [B], first samples `starts` int64 [B], length.

    A recording shorter than `samples` is looped, from its beginning.
    """

    indices: np.ndarray
    starts: np.ndarray
    samples: int


def loop(samples: np.ndarray, length: int) -> np.ndarray:
    """Repeats samples [S] (or [S, ...]) up to `length`; silence where there are none.

    Signals that are long enough come back as they are, not cut.

    >>> loop(np.array([1, 2, 3], np.int16), 7).tolist()
    [1, 2, 3, 1, 2, 3, 1]
    """
    if len(samples) >= length:
        return samples
    if not len(samples):
        return np.zeros((length, *samples.shape[1:]), samples.dtype)
    times = -(-length // len(samples))
    return np.tile(samples, (times,) + (1,) * (samples.ndim - 1))[:length]


class TrainingExcerpts:
    """Random batches of excerpts of equal length, cut from recordings of similar length.

    Recordings [N] are sorted by length into buckets: one for shorter than `min_seconds`, one for
    longer than `max_seconds`, the rest equal in count. A step draws a bucket in proportion to its
    size and `batch_size` recordings from it without replacement; all are cropped at a random
    place to the shortest of them, at most `max_seconds`; the short ones are looped to
    `min_seconds`. So every recording is equally likely. A bucket smaller than a batch gives each
    recording again, in a new order, only after all the others: still equally likely.
    """

    def __init__(
        self,
        lengths: np.ndarray,
        batch_size: int,
        min_seconds: float,
        max_seconds: float,
        buckets: int,
        seed: int,
    ):
        if not len(lengths):
            raise UserError("there are no recordings to draw excerpts from")
        self.lengths = np.asarray(lengths, np.int64)
        self.batch_size = batch_size
        self.shortest = int(min_seconds * SAMPLE_RATE)
        self.longest = int(max_seconds * SAMPLE_RATE)
        self.seed = seed
        order = np.argsort(self.lengths, kind="stable")
        ordered = self.lengths[order]
        short = np.searchsorted(ordered, self.shortest, side="left")
        long = np.searchsorted(ordered, self.longest, side="right")
        between = np.array_split(order[short:long], max(1, buckets - 2))
        parts = [order[:short], *between, order[long:]]
        self.buckets = [part for part in parts if len(part)]
        self._ends = np.cumsum([len(part) for part in self.buckets])

    def batch(self, step: int) -> Excerpts:
        """The excerpts of one step; depends on the seed and the step only."""
        rng = stream(self.seed, EXCERPTS, step)
        drawn = np.searchsorted(self._ends, rng.integers(len(self.lengths)), side="right")
        bucket = self.buckets[drawn]
        rounds = -(-self.batch_size // len(bucket))
        indices = np.concatenate([rng.permutation(bucket) for _ in range(rounds)])
        indices = indices[: self.batch_size]
        lengths = self.lengths[indices]
        samples = int(np.clip(lengths.min(), self.shortest, self.longest))
        starts = rng.integers(np.maximum(lengths - samples, 0), endpoint=True)
        return Excerpts(indices, starts, samples)


def validation_batches(
    lengths: np.ndarray, batch_size: int, min_seconds: float, max_seconds: float
) -> list[Excerpts]:
    """Every recording [N] once, in order of length, in batches of `batch_size` (the last smaller).

    Excerpts of a batch are max(shortest, 0.8 x longest) of it long, within `min_seconds` and
    `max_seconds`; longer recordings are cropped at their centre, shorter ones looped.
    """
    lengths = np.asarray(lengths, np.int64)
    order = np.argsort(lengths, kind="stable")
    batches = []
    for first in range(0, len(order), batch_size):
        indices = order[first : first + batch_size]
        within = lengths[indices]
        wanted = max(within[0], int(VALIDATION_SHARE * within[-1]))
        samples = max(wanted, int(min_seconds * SAMPLE_RATE))
        samples = int(min(samples, int(max_seconds * SAMPLE_RATE)))
        batches.append(Excerpts(indices, np.maximum(within - samples, 0) // 2, samples))
    return batches


def read(reader: AudioReader, excerpts: Excerpts) -> np.ndarray:
    """The samples of a batch, int16 [B, S]; recordings that are too short are looped."""
    batch = np.empty((len(excerpts.indices), excerpts.samples), np.int16)
    for row, i, start in zip(batch, excerpts.indices, excerpts.starts):
        available = int(reader.lengths[i])
        if available >= excerpts.samples:
            reader.read_into(i, int(start), row)
        else:
            row[:] = loop(reader.read(i), excerpts.samples)
    return batch
