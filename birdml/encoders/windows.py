"""The sound of a recording, cut into the windows that an encoder hears, as a stream.

A dataset holds its audio once, at SAMPLE_RATE; for an encoder of another rate it is resampled on
the way. Every second lies in a window: windows begin every `hop` seconds, and where the last one
does not reach the end, one more ends there. A recording shorter than a window is followed by
zeros, as the authors of BirdNET do.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import soxr

from birdml.dataset.decoders.notes import BLOCK
from birdml.dataset.decoding import QUALITY
from birdml.dataset.recording import SAMPLE_RATE
from birdml.encoders.entries import Encoder


class Samples(Protocol):
    """int16 [S], perhaps not in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice) -> np.ndarray: ...


def blocks_of(samples: Samples) -> Iterator[np.ndarray]:
    """Samples int16 [S] as blocks."""
    for start in range(0, len(samples), BLOCK):
        yield samples[start : start + BLOCK]


def window_starts(samples: int, encoder: Encoder) -> np.ndarray:
    """First samples of a recording's windows, int64 [W], at the encoder's rate as `samples` is.

    Raises ValueError where there are no samples.
    """
    if samples < 1:
        raise ValueError("a recording without samples has no windows")
    end = max(0, samples - encoder.samples)
    hop = round(encoder.hop * encoder.rate)
    starts = np.arange(0, end + 1, hop)
    return starts if starts[-1] == end else np.append(starts, end)


def stream_windows(
    blocks: Iterable[np.ndarray], encoder: Encoder
) -> Iterator[tuple[int, np.ndarray]]:
    """First samples and windows float32 [S] of blocks int16 at SAMPLE_RATE, one after the other.

    They are those of `window_starts` for all samples together, none where there are no samples;
    memory does not grow with them.
    """
    hop, size = round(encoder.hop * encoder.rate), encoder.samples
    held = np.zeros(0, np.float32)
    start = first = end = 0  # of the next window, of what is held, and of all that came
    for block in _resampled(blocks, encoder.rate):
        held = np.concatenate([held, block])
        end += len(block)
        while start + size <= end:
            yield start, held[start - first : start - first + size]
            start += hop
        # the last window may begin anywhere behind the one before
        keep = max(first, end - size)
        held, first = held[keep - first :], keep
    covered = start - hop + size if start else 0
    if 0 < end < size:
        yield 0, np.concatenate([held, np.zeros(size - end, np.float32)])
    elif covered < end:
        yield end - size, held[-size:]


def _resampled(blocks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    """Blocks int16 [S] at SAMPLE_RATE -> float32 of -1..1 at `rate`.

    Cut anew into blocks of one size, so that no result depends on how they came.
    """
    resampler = (
        None
        if rate == SAMPLE_RATE
        else soxr.ResampleStream(SAMPLE_RATE, rate, 1, dtype="float32", quality=QUALITY)
    )
    for block in _of_size(blocks, BLOCK):
        sound = block.astype(np.float32) / np.float32(32768)
        yield sound if resampler is None else resampler.resample_chunk(sound)
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _of_size(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    held: list[np.ndarray] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        while count >= size:
            joined = np.concatenate(held)
            yield joined[:size]
            held, count = [joined[size:]], count - size
    if count:
        yield np.concatenate(held)
