"""Magnitude spectrograms on the CPU, and the mel filter bank."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import pyfftw

from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.machine import cores

FRAME_LENGTH = 1024  # samples
HOP = SAMPLE_RATE // 70  # 315 samples
BATCH = 64  # frames that are transformed at once: their buffers stay in the cache
BLOCKS_EACH = 2  # of BATCH frames, a third of a millisecond: less is not worth another thread


def bins_for(mel_max: float) -> int:
    """How many of the 513 bins are kept for filters that end at `mel_max` Hz (10 kHz: 465).

    >>> bins_for(10000.0)
    465
    """
    return int((FRAME_LENGTH // 2 + 1) * 2 * mel_max // SAMPLE_RATE)


def num_frames(samples: int, frame_length: int = FRAME_LENGTH, hop: int = HOP) -> int:
    """Frames of a signal without padding: (samples - frame_length) // hop + 1, at least 0.

    >>> num_frames(22050)  # a second
    67
    """
    return max(0, (samples - frame_length) // hop + 1)


@lru_cache
def window(frame_length: int = FRAME_LENGTH) -> np.ndarray:
    """The symmetric Hann window, float32 [frame_length]."""
    return np.hanning(frame_length).astype(np.float32)


def spectrogram(
    samples: np.ndarray,
    bins: int = bins_for(10000),
    frame_length: int = FRAME_LENGTH,
    hop: int = HOP,
    threads: int = 1,
) -> np.ndarray:
    """Magnitudes of the short-time Fourier transform, int16 [..., S] -> float32 [..., F, bins].

    |FFT(window x samples)| of every frame, samples as they are (not scaled to 1), nothing padded:
    F = num_frames(S), 0 where the signal is shorter than a frame. The lowest `bins` of
    frame_length // 2 + 1 are kept. At most `threads` threads share the work, fewer where there is
    little; a frame's magnitudes are the same bits wherever it stands and whoever computes it.

    >>> spectrogram(np.zeros(22050, np.int16)).shape
    (67, 465)
    """
    count = num_frames(samples.shape[-1], frame_length, hop)
    magnitudes = np.empty((*samples.shape[:-1], count, bins), np.float32)
    if not magnitudes.size:
        return magnitudes
    signals = samples.reshape(-1, samples.shape[-1])
    frames = np.lib.stride_tricks.sliding_window_view(signals, frame_length, axis=-1)[:, ::hop]
    rows = magnitudes.reshape(-1, bins)
    blocks = range(0, len(rows), BATCH)
    waiting = iter(blocks)  # shared: whoever is ready takes the next

    def work() -> None:
        for first in waiting:
            _transform(frames, first, rows[first : first + BATCH])

    wanted = min(threads, len(blocks) // BLOCKS_EACH) - 1
    helpers = [_helpers(os.getpid()).submit(work) for _ in range(wanted)]
    work()
    for helper in helpers:
        if not helper.cancel():
            helper.result()
    return magnitudes


def _transform(frames: np.ndarray, first: int, magnitudes: np.ndarray) -> None:
    """Magnitudes [n, bins], n <= BATCH, of the n frames from number `first` on of [N, F, length],
    counted through all recordings."""
    count, bins = magnitudes.shape
    per_recording, frame_length = frames.shape[1:]
    windowed, spectra, transform = _plan(frame_length)
    row = 0
    while row < count:
        recording, frame = divmod(first + row, per_recording)
        part = frames[recording, frame : frame + count - row]
        np.copyto(windowed[row : row + len(part)], part)
        row += len(part)
    np.multiply(windowed[:count], window(frame_length), out=windowed[:count])
    transform.execute()
    np.abs(spectra[:count, :bins], out=magnitudes)


_of_thread = threading.local()


def _plan(frame_length: int) -> tuple[np.ndarray, np.ndarray, pyfftw.FFTW]:
    """Input [BATCH, frame_length], output and transform between them, of this thread's own.

    The plan is estimated: a measured one is hardly faster, and its last bits change from run to
    run.
    """
    plans: dict[int, tuple] = _of_thread.__dict__.setdefault("plans", {})
    if frame_length not in plans:
        windowed = pyfftw.zeros_aligned((BATCH, frame_length), "float32")
        spectra = pyfftw.empty_aligned((BATCH, frame_length // 2 + 1), "complex64")
        flags = ("FFTW_ESTIMATE", "FFTW_DESTROY_INPUT")
        transform = pyfftw.FFTW(windowed, spectra, axes=(1,), flags=flags)
        plans[frame_length] = windowed, spectra, transform
    return plans[frame_length]


@lru_cache(maxsize=1)
def _helpers(process: int) -> ThreadPoolExecutor:
    """Threads that all calls in a process share, started as they are wanted; a process that was
    forked has none of its parent's threads, and gets its own."""
    return ThreadPoolExecutor(max(1, cores() - 1), "spectrogram")


def mel_filterbank(
    bands: int = 80,
    mel_min: float = 27.5,
    mel_max: float = 10000.0,
    frame_length: int = FRAME_LENGTH,
    sample_rate: int = SAMPLE_RATE,
) -> np.ndarray:
    """Triangular filters of unit sum, float64 [frame_length // 2 + 1, bands].

    The bands + 2 corners are equally spaced between `mel_min` and `mel_max` Hz on the scale
    mel = 1127 ln(1 + f / 700) (O'Shaughnessy 1987). Filter m rises linearly in Hz from corner m
    up to the bin before corner m + 1, and falls from there to corner m + 2. As in the 2018 system,
    the steepness of a side is 1 / (how many bins it has), not 1 / (its width in Hz): narrow
    filters are slightly lopsided.

    Raises UserError where there are so many bands that a filter holds no bin.
    """
    low, high = 1127 * np.log1p(np.array([mel_min, mel_max]) / 700)
    # in this order of operations a corner at half the sample rate lies behind the last bin, as in
    # the 2018 system; a rounding error less, and it would be the last bin
    mels = low + np.arange(bands + 2) * ((high - low) / (bands + 1))
    hertz = 700 * np.expm1(mels / 1127)
    corners = hertz * (frame_length / sample_rate)  # in bins
    first = np.ceil(corners)  # bin of each side
    sides = np.maximum(1, np.diff(first))
    bins = np.arange(frame_length // 2 + 1)[:, None]
    rising = np.maximum(0, bins - corners[:-2]) / sides[:-1]
    falling = np.maximum(0, corners[2:] - bins) / sides[1:]
    filters = np.where(bins < first[1:-1], rising, falling)
    sums = filters.sum(axis=0)
    if not sums.all():
        raise UserError(
            f"{bands} mel bands from {mel_min:g} to {mel_max:g} Hz are too many: band "
            f"{int(np.argmin(sums > 0))} lies between two frequencies; use fewer bands"
        )
    return filters / sums
