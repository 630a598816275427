"""Recordings that are one of many alike count less: by who recorded, where, and what."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from birdml.dataset.recording import Recording

DIGITS = 2  # of degrees: a place is about a kilometre


def repeat_weights(
    recordings: Sequence[Recording], exponent: float, digits: int = DIGITS
) -> np.ndarray:
    """n ** -exponent for each of n recordings of one recordist, place and species, mean 1.

    Args:
        recordings: N; one that says neither who recorded it nor where is like no other.
        exponent: 0 for equal weights, 1 where all recordings alike count as one.
        digits: of degrees in which places are told apart.

    Returns:
        float32 [N].
    """
    keys = [_key(recording, digits) for recording in recordings]
    counts = Counter(keys)
    weights = np.array([counts[key] for key in keys], np.float64) ** -exponent
    return (weights / weights.mean()).astype(np.float32)


def _key(recording: Recording, digits: int) -> Hashable:
    latitude, longitude = recording.latitude, recording.longitude
    if latitude is None or longitude is None:
        place = None
    else:
        place = (round(latitude, digits), round(longitude, digits))
    if place is None and not recording.recordist:
        return recording.file
    return recording.recordist, place, recording.species


def recordist_groups(recordings: Sequence[Recording]) -> np.ndarray:
    """A number for each of N recordings, int64 [N], the same for those of one recordist.

    Where nobody is named, a recording is a group of its own.
    """
    names = [r.recordist or f"/{r.file}" for r in recordings]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
