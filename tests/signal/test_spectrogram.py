import re

import numpy as np
import pytest

from birdml.errors import UserError
from birdml.signal.spectrogram import bins_for, mel_filterbank, num_frames, spectrogram, window
from tests.golden import load_npz, relative_difference


def test_golden_spectrogram():
    arrays = load_npz("spectrogram.npz")
    cases = [re.fullmatch(r"spect_(\w+?)_(\d+)_bins(\d+)(?:_\w+)?", key) for key in arrays]
    cases = [case for case in cases if case]
    assert cases
    for case in cases:
        signal, length, bins = case[1], int(case[2]), int(case[3])
        ours = spectrogram(arrays[signal][:length], bins=bins)
        assert ours.dtype == np.float32
        assert relative_difference(ours, arrays[case[0]]) < 2e-6, case[0]


def test_golden_window_and_bins():
    arrays = load_npz("spectrogram.npz")
    np.testing.assert_array_equal(window(), arrays["window"])
    for key, value in arrays.items():
        if key.startswith("bins_for_mel_max_"):
            assert bins_for(float(key.rsplit("_", 1)[1])) == value


def test_golden_mel_filterbank():
    arrays = load_npz("mel_filterbank.npz")
    assert arrays
    for key, theirs in arrays.items():
        rate, length, bands, low, high = re.match(
            r"sr(\d+)_fl(\d+)_b(\d+)_([\d.]+)_([\d.]+)", key
        ).groups()
        ours = mel_filterbank(int(bands), float(low), float(high), int(length), int(rate))
        if key.endswith("_network"):
            ours = (ours[: len(theirs)] / 32767).astype(np.float32)
            assert len(theirs) == bins_for(float(high))
        assert relative_difference(ours, theirs) < 1e-6, key


@pytest.mark.parametrize(("bands", "high"), [(80, 11025.0), (96, 11025.0), (80, 10000.0)])
def test_the_last_filter_ends_at_its_corner_also_at_half_the_rate(bands, high):
    """Corner by corner, as the 2018 system goes: a corner's bin is the first one not below it."""
    low = 1127 * np.log1p(27.5 / 700)
    spacing = (1127 * np.log1p(high / 700) - low) / (bands + 1)
    corners = [700 * np.expm1((low + n * spacing) / 1127) for n in range(bands + 2)]
    frequencies = np.linspace(0, 11025, 513)
    left, top, right = np.searchsorted(frequencies, corners[-3:])
    expected = np.zeros(513)
    for k in range(513):
        rising = (frequencies[k] - corners[-3]) / max(1, top - left)
        falling = (corners[-1] - frequencies[k]) / max(1, right - top)
        expected[k] = max(0, rising if k < top else falling)
    ours = mel_filterbank(bands, 27.5, high)[:, -1]
    np.testing.assert_allclose(ours, expected / expected.sum(), atol=1e-12)


def test_filters_have_unit_sum_and_order():
    filters = mel_filterbank(40, 100, 8000)
    np.testing.assert_allclose(filters.sum(axis=0), 1)
    assert (np.diff(filters.argmax(axis=0)) > 0).all()


def test_too_many_bands_are_an_error():
    with pytest.raises(UserError, match="400 mel bands"):
        mel_filterbank(400)


def test_no_frame_is_lost_or_invented():
    samples = np.ones(5000, np.int16)
    for length in (0, 1, 1023, 1024, 1338, 1339, 5000):
        frames = max(0, (length - 1024) // 315 + 1)
        assert num_frames(length) == frames
        assert spectrogram(samples[:length]).shape == (frames, 465)


def test_every_frame_is_the_transform_of_its_samples():
    rng = np.random.default_rng(1)
    samples = rng.integers(-32768, 32768, 1024 + 315 * 210, dtype=np.int16)
    ours = spectrogram(samples)
    for frame in (0, 1, 31, 32, 63, 64, 128, 209, 210):
        block = samples[frame * 315 :][:1024] * np.hanning(1024)
        theirs = np.abs(np.fft.rfft(block))[:465]
        np.testing.assert_allclose(ours[frame], theirs, rtol=1e-3, atol=2.0)


def test_a_quiet_frame_is_not_disturbed_by_loud_ones_near():
    samples = np.zeros(1024 * 12, np.int16)
    samples[: 1024 * 4] = np.random.default_rng(1).integers(-32768, 32768, 1024 * 4)
    ours = spectrogram(samples)
    silent = -(-1024 * 4 // 315)
    np.testing.assert_array_equal(ours[silent:], 0)


def test_other_frames_and_hops():
    samples = np.random.default_rng(1).integers(-3000, 3000, 4000, dtype=np.int16)
    ours = spectrogram(samples, bins=100, frame_length=256, hop=100)
    assert ours.shape == ((4000 - 256) // 100 + 1, 100)
    theirs = np.abs(np.fft.rfft(samples[300:556] * np.hanning(256)))[:100]
    np.testing.assert_allclose(ours[3], theirs, rtol=1e-3, atol=0.5)
