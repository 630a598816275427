"""Intervals, random tenths and agreement: against values that can be worked out otherwise."""

import numpy as np
import pytest

from birdml.comparison.statistics import (
    RESAMPLES,
    Answers,
    agreement,
    answers,
    interval,
    resamples,
    wins,
)
from birdml.scoring import TENTHS, score

RNG = np.random.default_rng(5)


def made_up(recordings: int, classes: int = 9) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    logits = RNG.normal(size=(recordings, classes)).astype(np.float32)
    foreground = RNG.integers(-1, classes, recordings)
    present = RNG.random((recordings, classes)) < 0.2
    known = foreground >= 0
    present[np.flatnonzero(known), foreground[known]] = True
    return logits, foreground, present


def of_ranks(ranks: list[float]) -> Answers:
    rank = np.array(ranks, dtype=float)
    return Answers(rank, 1 / rank)


def test_means_over_recordings_are_the_scores():
    logits, foreground, present = made_up(200)
    one = answers(logits, foreground, present)
    for criterion, value in score(logits, foreground, present).items():
        assert one.per_recording(criterion).mean() == pytest.approx(value), criterion


def test_resamples_draw_as_many_recordings_as_there_are():
    drawn = resamples(37)
    assert drawn.shape == (RESAMPLES, 37)
    np.testing.assert_allclose(drawn.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(drawn.mean(axis=0), 1 / 37, rtol=0.1)
    np.testing.assert_array_equal(drawn, resamples(37))


def test_interval_has_the_width_of_the_normal_approximation():
    values = np.random.default_rng(1).random(1500)
    one = interval(values, resamples(1500))
    half = 1.96 * values.std() / np.sqrt(1500)
    assert one.value == pytest.approx(values.mean())
    assert one.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert one.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(2)
    drawn = resamples(150)
    held = 0
    for _ in range(200):
        one = interval(rng.exponential(1.0, 150), drawn)
        held += one.low <= 1.0 <= one.high
    assert 0.88 <= held / 200 <= 0.99


def test_a_model_that_is_always_better_wins_every_tenth_and_a_copy_none():
    good, bad = of_ranks([1] * 40), of_ranks([2] * 40)
    np.testing.assert_array_equal(
        wins([good, bad, good]), [[0, TENTHS, 0], [0, 0, 0], [0, TENTHS, 0]]
    )


def test_equally_good_models_share_the_tenths():
    rng = np.random.default_rng(3)
    one, other = (of_ranks(list(rng.integers(1, 9, 900))) for _ in range(2))
    beaten = wins([one, other])
    assert beaten[0, 1] + beaten[1, 0] == TENTHS
    assert 5 < beaten[0, 1] < 45


def test_agreement_is_spearmans_correlation():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(4)
    one = rng.integers(1, 50, 300)
    other = one + rng.integers(0, 30, 300)
    found = agreement([of_ranks(list(one)), of_ranks(list(other)), of_ranks(list(-one + 60))])
    assert found[0, 1] == pytest.approx(spearmanr(one, other).statistic)
    assert found[0, 2] == pytest.approx(-1)
    np.testing.assert_allclose(np.diag(found), 1)


def test_unknown_foreground_species_count_zero_and_do_not_break_agreement():
    logits, foreground, present = made_up(50)
    foreground[::2] = -1
    one = answers(logits, foreground, present)
    assert (one.per_recording("map")[::2] == 0).all()
    assert np.isfinite(agreement([one, answers(-logits, foreground, present)])).all()


def test_recordings_of_one_recordist_are_drawn_together():
    groups = np.repeat(np.arange(20), 30)
    drawn = resamples(600, groups)
    np.testing.assert_allclose(drawn.sum(1), 1, rtol=1e-5)
    by_group = drawn.reshape(len(drawn), 20, 30)
    np.testing.assert_array_equal(by_group, by_group[:, :, :1].repeat(30, axis=2))
    values = np.random.default_rng(0).normal(size=20).repeat(30)
    alone, together = interval(values, resamples(600)), interval(values, drawn)
    assert alone.value == together.value
    ratio = (together.high - together.low) / (alone.high - alone.low)
    assert 4 < ratio < 7, "twenty draws, not six hundred: wider by the root of thirty"


def test_groups_of_one_are_recordings():
    np.testing.assert_allclose(resamples(37, np.arange(37)), resamples(37), rtol=1e-6)
