import numpy as np
import pytest
import torch

from birdml.errors import UserError
from birdml.signal.augment import (
    class_weights,
    mixup,
    pseudo_labels,
    random_filters,
    stretch_and_shift,
)


def rng(seed=1):
    return np.random.default_rng(seed)


def test_mixup_mixes_samples_and_labels_alike():
    # each excerpt is one constant, so that its share can be read off
    levels = torch.tensor([0, 1000, 20000, -32768], dtype=torch.int16)
    samples = levels[:, None].expand(4, 50)
    mixed, targets = mixup(samples, 0.5, rng(), torch.eye(4))
    assert mixed.dtype == torch.int16 and mixed.shape == (4, 50)
    torch.testing.assert_close(targets.sum(1), torch.ones(4))
    expected = targets @ levels.float()
    torch.testing.assert_close(mixed[:, 0].float(), expected, atol=0.51, rtol=0)
    assert not torch.equal(mixed, samples)


def test_mixup_without_labels_draws_the_same():
    samples = torch.randint(-3000, 3000, (8, 20), dtype=torch.int16)
    with_labels, _ = mixup(samples, 0.5, rng(), torch.eye(8))
    without, targets = mixup(samples, 0.5, rng())
    assert targets is None
    assert torch.equal(with_labels, without)


def test_mixup_shares_follow_beta():
    a, n = 2.0, 20000
    _, targets = mixup(
        torch.zeros(n, 1, dtype=torch.int16), a, rng(), torch.arange(n * 1.0)[:, None]
    )
    others = rng()
    shares = others.beta(a + 1, a, n)
    order = others.permutation(n)
    expected = shares * np.arange(n) + (1 - shares) * order
    np.testing.assert_allclose(targets[:, 0], expected, rtol=1e-3, atol=1e-2)
    assert shares.mean() == pytest.approx((a + 1) / (2 * a + 1), abs=0.01)


def test_filters_change_one_band_and_all_frames_alike():
    magnitudes = torch.rand(64, 7, 465) + 0.1
    filtered = random_filters(magnitudes, 10, rng())
    gains = 20 * torch.log10(filtered / magnitudes)
    torch.testing.assert_close(gains, gains[:, :1].expand_as(gains), atol=1e-3, rtol=0)
    peaks = gains.abs().amax(dim=(1, 2))
    assert peaks.max() <= 10.001
    assert (gains > 1).any() and (gains < -1).any()
    assert gains[:, :, 0].abs().max() < 0.1  # far below all centres
    # no gain has both signs
    assert ((gains.amin((1, 2)) > -0.01) | (gains.amax((1, 2)) < 0.01)).all()


def test_filters_are_5_to_7_semitones_wide():
    gains = 20 * torch.log10(random_filters(torch.ones(400, 1, 513), 10, rng()))[:, 0]
    octaves = np.log2(np.maximum(np.arange(513), 0.5) * 22050 / 1024)
    widths = []
    for gain in gains.abs().numpy():
        peak = gain.argmax()
        if 30 < peak < 300 and gain[peak] > 1:  # enough bins to read the width from
            half = gain >= gain[peak] / 2
            widths.append(12 * np.ptp(octaves[half]) / 2.3548)
    assert len(widths) > 50
    assert min(widths) > 4.5 and max(widths) < 7.5
    assert np.std(widths) == pytest.approx(2 / 12**0.5, abs=0.15)  # uniform


def test_no_stretch_and_no_shift_change_nothing():
    magnitudes = torch.rand(3, 40, 30)
    torch.testing.assert_close(stretch_and_shift(magnitudes, 0, 0, rng()), magnitudes)


def test_stretch_changes_the_tempo():
    frames = torch.arange(1200.0)
    magnitudes = frames[None, :, None].expand(50, 1200, 9)
    moved = stretch_and_shift(magnitudes, 0.2, 0, rng())
    assert moved.shape == (50, 1000, 9)
    tempo = moved[:, 1:, 0] - moved[:, :-1, 0]
    torch.testing.assert_close(tempo, tempo[:, :1].expand_as(tempo), atol=2e-2, rtol=0)
    assert 0.8 <= tempo.mean(1).min() < 0.85 and 1.15 < tempo.mean(1).max() <= 1.2
    assert moved.min() >= 0 and moved.max() <= 1199
    assert moved[:, 0, 0].std() > 10  # at a random place


def test_shift_changes_all_frequencies_by_one_factor():
    bins = torch.arange(400.0)
    magnitudes = bins[None, None, :].expand(50, 20, 400)
    moved = stretch_and_shift(magnitudes, 0, 0.3, rng())
    factors = 100 / moved[:, 0, 100]
    assert 0.7 <= factors.min() < 0.75 and 1.25 < factors.max() <= 1.3
    for row, factor in zip(moved[:, 5], factors):
        torch.testing.assert_close(row, (bins / factor).clamp(max=399), atol=1e-2, rtol=0)


@pytest.mark.parametrize("change", [random_filters, lambda m, x, r: stretch_and_shift(m, x, x, r)])
def test_the_generator_decides(change):
    magnitudes = torch.rand(4, 30, 50)
    assert torch.equal(change(magnitudes, 0.3, rng(5)), change(magnitudes, 0.3, rng(5)))
    assert not torch.equal(change(magnitudes, 0.3, rng(5)), change(magnitudes, 0.3, rng(6)))


def test_class_weights_follow_the_formula():
    counts = np.array([10, 20, 50, 0, 20])
    weights = class_weights(counts, 0.5)
    p = counts / 100
    expected = ((0.2 / p[2]) * (1 - p[2]) / (1 - 0.2)) ** 0.5
    assert weights[2] == pytest.approx(expected)
    assert weights[1] == pytest.approx(1)  # of average frequency
    assert weights[3] == 1
    assert weights[0] > weights[1] > weights[2]
    np.testing.assert_array_equal(class_weights(counts, 0), 1)
    np.testing.assert_array_equal(class_weights(np.array([5]), 1), 1)


def test_pseudo_labels_are_the_softmax_of_each_recording():
    logits = np.array([[0, 0], [0, np.log(3)], [1000, 0]], np.float32)
    targets = pseudo_labels(["b", "a"], ["a", "b", "a"], logits)
    np.testing.assert_allclose(targets, [[0.25, 0.75], [0.75, 0.25]])


def test_pseudo_labels_name_recordings_without_prediction():
    with pytest.raises(UserError, match=r"2 of 3 .*\(x, y\)"):
        pseudo_labels(["a", "x", "y"], ["a"], np.zeros((1, 2), np.float32))
