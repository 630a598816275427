import multiprocessing
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from birdml.errors import UserError
from birdml.signal import spectrogram as module
from birdml.signal.spectrogram import (
    BATCH,
    BLOCKS_EACH,
    HOP,
    bins_for,
    mel_filterbank,
    num_frames,
    spectrogram,
    window,
)
from tests.golden import load_npz, relative_difference

LARGE = 4 * BATCH * BLOCKS_EACH  # frames that several threads share


def noise(*shape):
    return np.random.default_rng(1).integers(-20000, 20000, shape, dtype=np.int16)


def of_frames(count):
    return 1024 + (count - 1) * HOP


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


def test_a_frame_has_the_same_bits_at_each_position_of_a_block():
    samples = noise(of_frames(3 * BATCH))
    frame = 2 * BATCH + 7
    expected = spectrogram(samples)[frame]
    for position in range(BATCH):
        piece = spectrogram(samples[(frame - position) * HOP :])
        np.testing.assert_array_equal(piece[position], expected)
        ends_there = spectrogram(samples[: of_frames(frame + 1)][(frame - position) * HOP :])
        np.testing.assert_array_equal(ends_there[-1], expected)


@pytest.mark.parametrize("frames", [1, 5, BATCH - 1, BATCH, BATCH + 9])
def test_recordings_together_have_the_bits_of_each_alone(frames):
    samples = noise(3, 4, of_frames(frames) + 100)
    together = spectrogram(samples)
    assert together.shape == (3, 4, frames, 465)
    for i in range(3):
        np.testing.assert_array_equal(together[i, ::-1], spectrogram(samples[i, ::-1]))
        np.testing.assert_array_equal(together[i, 2], spectrogram(samples[i, 2]))


def test_no_recordings_have_no_frames():
    assert spectrogram(noise(0, 5000)).shape == (0, 13, 465)
    assert spectrogram(noise(2, 1000)).shape == (2, 0, 465)


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_leave_the_bits(threads):
    samples = noise(3, of_frames(LARGE))
    expected = spectrogram(samples)
    for _ in range(5):
        np.testing.assert_array_equal(spectrogram(samples, threads=threads), expected)
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(lambda x: spectrogram(x, threads=threads), [samples] * 9):
            np.testing.assert_array_equal(found, expected)


@pytest.fixture
def met(monkeypatch):
    """Names of the threads that take part, where each waits for another at its first block."""
    names, barrier, plain = set(), threading.Barrier(2), module._transform

    def transform(*given):
        if threading.current_thread().name not in names:
            names.add(threading.current_thread().name)
            barrier.wait(timeout=30)
        plain(*given)

    monkeypatch.setattr(module, "_transform", transform)
    return names


def test_two_threads_share_what_is_large(met):
    spectrogram(noise(of_frames(LARGE)), threads=2)
    assert len(met) == 2


@pytest.mark.parametrize(("frames", "threads"), [(LARGE, 1), (2 * BATCH * BLOCKS_EACH - BATCH, 9)])
def test_one_thread_does_what_is_small(monkeypatch, frames, threads):
    monkeypatch.setattr(module, "_helpers", lambda _: pytest.fail("asks for another thread"))
    assert len(spectrogram(noise(of_frames(frames)), threads=threads)) == frames


def test_an_error_of_another_thread_is_raised(met, monkeypatch):
    waits = module._transform

    def transform(*given):
        waits(*given)
        if threading.current_thread() is not threading.main_thread():
            raise MemoryError("no room for a plan")

    monkeypatch.setattr(module, "_transform", transform)
    with pytest.raises(MemoryError, match="no room for a plan"):
        spectrogram(noise(of_frames(LARGE)), threads=2)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(met):
    samples = noise(of_frames(LARGE))
    spectrogram(samples, threads=2)
    met.clear()

    def child():
        spectrogram(samples, threads=2)
        assert len(met) == 2

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    process.kill()
    assert process.exitcode == 0
