"""Recordings of nothing as backdrops: wind, rain and machines mixed into excerpts in training."""

import numpy as np

from birdml.signal.excerpts import loop
from birdml.signal.wav import AudioReader

LEVELS = (-20.0, 0.0)  # of the backdrop against the excerpt, in decibels
LIMIT = 32767


def mix_in(
    samples: np.ndarray, backdrops: AudioReader, share: float, rng: np.random.Generator
) -> None:
    """Mixes a part of a recording of nothing into some of the excerpts, int16 [B, S], in place.

    Each excerpt gets one with a probability of `share`, of any recording, from any place, 20 dB
    quieter than itself up to as loud. Short backdrops are looped; silence takes and gives none.
    """
    count, length = samples.shape
    chance = rng.random((count, 4))
    for row, (gets, which, where, level) in zip(samples, chance):
        if gets >= share:
            continue
        index = int(which * len(backdrops))
        longer = int(backdrops.lengths[index]) - length
        if longer > 0:
            noise = backdrops.read(index, int(where * (longer + 1)), length)
        else:
            noise = loop(backdrops.read(index), length)
        own, other = _loudness(row), _loudness(noise)
        if own and other:
            decibels = LEVELS[0] + level * (LEVELS[1] - LEVELS[0])
            mixed = row + noise * (own / other * 10 ** (decibels / 20))
            row[:] = np.clip(np.round(mixed), -LIMIT - 1, LIMIT)


def _loudness(samples: np.ndarray) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
