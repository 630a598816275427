"""Cuts of one recording are found by their common sound, and nothing else is."""

import numpy as np
import pytest

from birdml.dataset.cuts import find_overlaps, groups, landmarks
from birdml.dataset.recording import SAMPLE_RATE
from tests.datasets import tone


def song(seconds, seed, pitch=1.0, noise=0.05, singer=0):
    """Chirps at random times in noise, int16 [S]; `seed` makes the noise, `singer` the chirps."""
    rng = np.random.default_rng([singer, 99])
    sound = noise * np.random.default_rng(seed).standard_normal(round(seconds * SAMPLE_RATE))
    for begin in np.arange(0.1, seconds - 0.4, 0.35):
        length = int(rng.uniform(0.08, 0.25) * SAMPLE_RATE)
        start = int((begin + rng.uniform(0, 0.1)) * SAMPLE_RATE)
        low, high = pitch * rng.uniform(1000, 6000, 2)
        sweep = np.cumsum(np.linspace(low, high, length)) / SAMPLE_RATE
        sound[start : start + length] += 0.3 * np.hanning(length) * np.sin(2 * np.pi * sweep)
    return (8000 * sound).astype(np.int16)


def found(sounds):
    return find_overlaps(len(sounds), sounds.__getitem__)


def cut(sound, start, end):
    return sound[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


@pytest.mark.parametrize(("start", "seconds"), [(5, 15), (5.0137, 14.9863), (14.9, 5.1), (-3, 12)])
def test_a_cut_is_found_with_its_offset(start, seconds):
    whole = song(23, 0)
    one, other = cut(whole, 3, 23), cut(whole, 3 + start, min(23, 3 + start + 15))
    (overlap,) = found([song(12, 5, singer=3), one, song(12, 6, singer=4), other])
    assert (overlap.first, overlap.second) == (1, 3)
    assert overlap.offset == pytest.approx(start, abs=1e-3)
    assert overlap.seconds == pytest.approx(seconds, abs=0.01)
    assert overlap.agreement > 0.9


def test_a_cut_is_found_that_is_louder_and_noisier():
    whole = song(20, 0)
    rng = np.random.default_rng(7)
    other = cut(whole, 7, 20)
    other = np.clip(1.7 * other + 300 * rng.standard_normal(len(other)), -32768, 32767)
    (overlap,) = found([cut(whole, 0, 15), other.astype(np.int16)])
    assert overlap.offset == pytest.approx(7, abs=1e-3)


def test_the_same_song_sung_twice_is_no_cut():
    """The same chirps at the same times, in other noise and a hair higher: another recording."""
    assert not found([song(15, 0), song(15, 1, pitch=1.01), song(15, 2, pitch=0.99)])


def test_steady_tones_and_hum_are_no_cuts():
    rng = np.random.default_rng(0)
    time = np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * 50 * k * time) for k in range(1, 20))
    hums = [(500 * hum + 100 * rng.standard_normal(len(hum))).astype(np.int16) for _ in range(2)]
    assert not found([*hums, *(tone(1, 10 * SAMPLE_RATE, rng) for _ in range(3))])


def test_short_and_silent_recordings_have_no_cuts():
    silent = np.zeros(SAMPLE_RATE, np.int16)
    assert not found([silent, silent, silent[:100], silent[:0], song(0.9, 0), song(0.9, 0)])


def test_groups_are_linked_through_others():
    whole = song(40, 0)
    sounds = [cut(whole, 0, 12), song(10, 1, singer=1), cut(whole, 8, 20), cut(whole, 16, 28)]
    overlaps = found(sounds)
    assert {(o.first, o.second) for o in overlaps} == {(0, 2), (2, 3)}
    assert groups(4, overlaps).tolist() == [0, 1, 0, 0]
    assert groups(3, []).tolist() == [0, 1, 2]


def test_long_recordings_are_read_in_blocks_that_leave_no_trace(monkeypatch):
    from birdml.dataset import cuts

    sound = song(20, 0)
    whole = cuts._peaks(sound)
    monkeypatch.setattr(cuts, "BLOCK", 500)
    frames, bins = cuts._peaks(sound)
    same = set(zip(*map(np.ndarray.tolist, whole))) & set(zip(frames.tolist(), bins.tolist()))
    assert len(same) > 0.75 * len(whole[0]) and (np.diff(frames) >= 0).all()
    assert len(landmarks(sound)[0]) > 100
