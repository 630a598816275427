"""Cuts of one recording: files whose bytes differ, but that hold some of the same sound.

Such files must not be parted between train and valid: what is validated would have been heard.
They are found in two steps. Landmarks propose: three peaks of a spectrogram close to each other,
with their frequencies and distances in time, rarely stand alike in two recordings; where several
do at one offset, the two may overlap. The sound itself decides: at that offset the phases of both
must agree, over all frequencies. Those of two birds that sing the same song never do, nor do those
of mains hum.

Landmarks as in Wang, "An Industrial-Strength Audio Search Algorithm", ISMIR 2003, with three peaks;
agreement of phases as in Knapp and Carter, "The Generalized Correlation Method for Estimation of
Time Delay", IEEE Transactions on Acoustics, Speech and Signal Processing 24(4), 1976.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, rfft
from scipy.ndimage import maximum_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from birdml.dataset.recording import SAMPLE_RATE

FRAME, HOP = 1024, 256  # samples
BLOCK = 1 << 12  # frames at a time
AROUND = (9, 15)  # frames and bins in which a peak is the largest value
DENSITY = 20  # peaks in a second
REACH = 64  # frames from the first peak of a landmark to its last
FAN = 4  # peaks behind the first that landmarks are made with
LARGEST = 30  # times that a landmark may occur before it says nothing
LANDMARKS = 3  # that propose an overlap
SHORTEST = 1.0  # seconds of common sound
AGREEMENT = 0.1  # of phases, 0..1
LOWEST, HIGHEST = 300.0, 8000.0  # Hz, what is looked at
LONGEST = 20.0  # seconds of the common sound that are compared


@dataclass(frozen=True)
class Overlap:
    """Two recordings that hold the same sound."""

    first: int
    second: int  # after `first`
    offset: float  # seconds into `first` at which `second` begins; may be negative
    seconds: float  # of common sound
    agreement: float  # of phases, 0..1


def find_overlaps(count: int, read: Callable[[int], np.ndarray], workers: int = 1) -> list[Overlap]:
    """The pairs of N recordings with common sound.

    Args:
        count: N.
        read: gives a recording by its number, int16 [S] at SAMPLE_RATE; called again for those
            that may overlap. Each worker holds one or two recordings at a time.
        workers: threads; they change nothing of the result.

    Returns:
        The overlaps, in order; recordings with the same sound at several offsets stand once, with
        the offset that most landmarks speak for.
    """
    if count < 2:
        return []
    with ThreadPoolExecutor(workers) as pool:
        marks = list(pool.map(lambda i: landmarks(read(i)), range(count)))
        compared = pool.map(
            lambda p: _compared(read(p[0]), read(p[1]), p[0], p[1], p[2] * HOP), _proposed(marks)
        )
        return [overlap for overlap in compared if overlap is not None]


def groups(count: int, overlaps: list[Overlap]) -> np.ndarray:
    """Numbers of groups, int [N]: recordings that overlap, or are linked by others that do, have
    the same; groups are numbered in the order of their first recordings."""
    pairs = np.array([(o.first, o.second) for o in overlaps], np.int64).reshape(-1, 2)
    linked = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (count, count))
    _, labels = connected_components(linked, directed=False)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return first.argsort().argsort()[inverse]


def landmarks(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks of a recording int16 [S]: what they are, int64 [P], and their frames, int64 [P]."""
    frames, bins = _peaks(samples)
    names, where = [], []
    for second in range(1, FAN):
        for third in range(second + 1, FAN + 1):
            n = max(0, len(frames) - third)
            a, b, c = (slice(k, k + n) for k in (0, second, third))
            near, far = frames[b] - frames[a], frames[c] - frames[a]
            good = (near > 0) & (far > near) & (far < REACH)
            name = bins[a] << 32 | bins[b] << 22 | bins[c] << 12 | (near // 2) << 6 | far // 2
            names.append(name[good])
            where.append(frames[a][good])
    return np.concatenate(names), np.concatenate(where)


def _peaks(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest local maxima of the spectrogram, in order of time: frames and bins, int64."""
    count = 1 + (len(samples) - FRAME) // HOP
    if count < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    window = np.hanning(FRAME).astype(np.float32)
    lowest, highest = (int(hertz * FRAME / SAMPLE_RATE) for hertz in (LOWEST, HIGHEST))
    frames, bins, heights = [], [], []
    for start in range(0, count, BLOCK):
        # neighbours on both sides, so that blocks leave no trace
        begin, end = max(0, start - AROUND[0]), min(count, start + BLOCK + AROUND[0])
        sound = samples[begin * HOP : (end - 1) * HOP + FRAME].astype(np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP]
        power = np.log1p(np.abs(rfft(windows * window)))
        power[:, :lowest] = power[:, highest:] = 0
        top = (maximum_filter(power, AROUND) == power) & (power > 0)
        top[: start - begin] = top[start - begin + BLOCK :] = False
        time, band = np.nonzero(top)
        # over what is usual at that frequency, so that no steady tone takes all the places
        heights.append((power - np.median(power, axis=0))[time, band])
        frames.append(time + begin)
        bins.append(band)
    time, band, height = (np.concatenate(parts) for parts in (frames, bins, heights))
    second = time * HOP // SAMPLE_RATE
    order = np.lexsort((-height, second))
    first = np.searchsorted(second[order], second[order])
    kept = np.sort(order[np.arange(len(order)) - first < DENSITY])
    return time[kept], band[kept]


def _proposed(marks: list[tuple[np.ndarray, np.ndarray]]) -> Iterator[tuple[int, int, int]]:
    """Pairs of recordings whose landmarks agree at one offset, and that offset in frames."""
    names = np.concatenate([name for name, _ in marks])
    frames = np.concatenate([frame for _, frame in marks])
    owners = np.repeat(np.arange(len(marks)), [len(name) for name, _ in marks])
    order = np.argsort(names, kind="stable")
    names, frames, owners = names[order], frames[order], owners[order]
    _, inverse, often = np.unique(names, return_inverse=True, return_counts=True)
    telling = (often > 1)[inverse] & (often <= LARGEST)[inverse]
    names, frames, owners = names[telling], frames[telling], owners[telling]
    votes = []
    for step in range(1, min(LARGEST, len(names))):
        same = np.flatnonzero(names[step:] == names[:-step])
        same = same[owners[same] != owners[same + step]]
        a, b = owners[same], owners[same + step]  # in order, as the sort was stable
        votes.append(np.stack([a, b, frames[same] - frames[same + step]], 1))
    cast = np.concatenate(votes) if votes else np.zeros((0, 3), np.int64)
    kinds, counts = np.unique(cast, axis=0, return_counts=True)
    near: dict[tuple[int, int], dict[int, int]] = {}
    for (a, b, offset), count in zip(kinds.tolist(), counts.tolist()):
        near.setdefault((a, b), {})[offset] = count
    for (a, b), offsets in near.items():
        # frames of both are not aligned: offsets beside each other are one
        total = {o: c + offsets.get(o - 1, 0) + offsets.get(o + 1, 0) for o, c in offsets.items()}
        best = max(total, key=lambda o: (total[o], offsets[o], -o))
        if total[best] >= LANDMARKS:
            yield a, b, best


def _compared(x: np.ndarray, y: np.ndarray, first: int, second: int, offset: int) -> Overlap | None:
    """The overlap of two recordings at an offset in samples, give or take two frames' distance."""
    start, end = max(0, offset), min(len(x), offset + len(y))
    if end - start < SHORTEST * SAMPLE_RATE:
        return None
    length = min(end - start, int(LONGEST * SAMPLE_RATE))
    middle = start + (end - start - length) // 2
    a = x[middle : middle + length].astype(np.float32)
    b = y[middle - offset : middle - offset + length].astype(np.float32)
    size = 1 << (2 * length - 1).bit_length()
    window = np.hanning(length).astype(np.float32)
    cross = rfft(a * window, size) * rfft(b * window, size).conj()
    hertz = np.arange(len(cross)) * SAMPLE_RATE / size
    heard = (hertz >= LOWEST) & (hertz < HIGHEST)
    cross = np.where(heard, cross / np.maximum(np.abs(cross), 1e-9), 0)
    lags = irfft(cross, size) * size / (2 * heard.sum())
    reach = 2 * HOP
    around = np.concatenate([lags[-reach:], lags[: reach + 1]])
    best = int(around.argmax())
    agreement = float(around[best])
    if agreement < AGREEMENT:
        return None
    exact = offset + best - reach
    common = min(len(x), exact + len(y)) - max(0, exact)
    return Overlap(first, second, exact / SAMPLE_RATE, common / SAMPLE_RATE, agreement)
