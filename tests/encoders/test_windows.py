"""Windows of recordings: every second in one, whatever blocks the sound comes in."""

import numpy as np
import pytest
import soxr

from birdml.dataset.recording import SAMPLE_RATE
from birdml.encoders.entries import read_encoders
from birdml.encoders.windows import stream_windows, window_starts

BIRDNET = read_encoders()["birdnet24"]


def sound(samples, seed=0):
    rng = np.random.default_rng(seed)
    return (3000 * rng.standard_normal(samples)).astype(np.int16)


def streamed(samples, encoder, step=10_000):
    blocks = (samples[i : i + step] for i in range(0, len(samples), step))
    found = list(stream_windows(blocks, encoder))
    return np.array([start for start, _ in found]), np.array([window for _, window in found])


@pytest.mark.parametrize("seconds", [0.2, 2.99, 3, 3.5, 6, 7.3, 31.4])
def test_windows_are_those_of_the_whole_recording(seconds):
    samples = sound(round(seconds * SAMPLE_RATE))
    starts, windows = streamed(samples, BIRDNET)
    whole = soxr.resample(samples / np.float32(32768), SAMPLE_RATE, 48_000, quality="HQ")
    assert starts.tolist() == window_starts(len(whole), BIRDNET).tolist()
    padded = np.concatenate([whole, np.zeros(BIRDNET.samples, np.float32)])
    for start, window in zip(starts, windows):
        expected = padded[start : start + BIRDNET.samples]
        np.testing.assert_allclose(window, expected, atol=2e-6)


@pytest.mark.parametrize("hop", [3.0, 1.0, 0.7])
@pytest.mark.parametrize("samples", [1, 143_999, 144_000, 144_001, 500_000])
def test_every_sample_lies_in_a_window(hop, samples):
    encoder = BIRDNET.model_copy(update={"hop": hop})
    heard = np.zeros(max(samples, encoder.samples), bool)
    starts = window_starts(samples, encoder)
    for start in starts:
        heard[start : start + encoder.samples] = True
    assert heard[:samples].all() and (np.diff(starts) > 0).all()
    assert starts[-1] + encoder.samples == max(samples, encoder.samples)


@pytest.mark.parametrize("hop", [3.0, 0.7])
def test_windows_do_not_depend_on_blocks(hop):
    encoder = BIRDNET.model_copy(update={"hop": hop})
    samples = sound(20 * SAMPLE_RATE)
    one, other = streamed(samples, encoder, 999), streamed(samples, encoder, 1 << 20)
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])


def test_a_short_recording_is_followed_by_zeros():
    encoder = BIRDNET.model_copy(update={"rate": SAMPLE_RATE})
    starts, windows = streamed(sound(1000), encoder)
    assert starts.tolist() == [0]
    np.testing.assert_array_equal(windows[0, :1000], sound(1000) / np.float32(32768))
    assert not windows[0, 1000:].any()


def test_no_samples_give_no_windows():
    assert not list(stream_windows([], BIRDNET))
