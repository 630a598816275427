"""Curves of presence: margins by hand, curves that tell the truth, species with few positives."""

import numpy as np
import pytest
from scipy.special import softmax

from birdml.calibration.fitting import fit, folds
from birdml.calibration.measures import brier, calibration_error, log_loss, reliability
from birdml.calibration.presence import Presence, margin
from birdml.errors import UserError
from tests.calibration.simulated import simulate


def test_the_margin_is_the_log_odds_of_the_softmax_share():
    logits = np.random.default_rng(0).normal(size=(50, 7)) * 3
    share = softmax(logits, axis=1)
    np.testing.assert_allclose(margin(logits), np.log(share / (1 - share)), rtol=1e-9)


def test_the_margin_of_a_sure_answer_stays_finite():
    logits = np.array([[500.0, 0.0, -500.0]])
    np.testing.assert_allclose(margin(logits)[0], [500.0, -500.0, -1000.0])


def test_probabilities_of_unseen_windows_are_true_within_chance():
    rng = np.random.default_rng(1)
    logits, present = simulate(rng, 14_000)
    curves = fit(logits[:4000], present[:4000], range(4000)).presence
    probabilities = curves.probabilities(logits[4000:])  # 10 000 windows
    curve = reliability(probabilities, present[4000:], 10)
    # of n trials at p, three standard deviations, and what 4000 recordings leave open
    bound = 3 * np.sqrt(curve.probability * (1 - curve.probability) / curve.count) + 0.02
    assert (np.abs(curve.share - curve.probability) <= bound).all()
    by_species = probabilities.sum(axis=0) / present[4000:].sum(axis=0)
    assert (np.abs(by_species - 1) < 0.15).all()


def test_calibrated_beats_softmax_on_what_was_held_out():
    logits, present = simulate(np.random.default_rng(2), 1500)
    held_out = fit(logits, present, range(1500)).held_out
    for measure in (log_loss, brier, calibration_error):
        assert measure(held_out, present) < measure(softmax(logits, axis=1), present)


def test_held_out_rows_do_not_depend_on_their_own_truth():
    logits, present = simulate(np.random.default_rng(3), 400)
    before = fit(logits, present, range(400))
    fold = folds(range(400))
    other = present.copy()
    row = int(np.flatnonzero((fold == 0) & present.any(axis=1))[0])
    other[row] = False
    after = fit(logits, other, range(400))
    assert (before.presence.inputs, before.strength) == (after.presence.inputs, after.strength)
    np.testing.assert_array_equal(before.held_out[fold == 0], after.held_out[fold == 0])
    assert not np.array_equal(before.held_out[fold == 1], after.held_out[fold == 1])


def test_a_species_without_positives_gets_the_common_curve_one_with_many_its_own():
    rng = np.random.default_rng(4)
    logits, present = simulate(rng, 3000, species=6)
    present[:, 5] = False
    logits[:, 0] += 3  # so its own curve lies elsewhere
    fitted = fit(logits, present, range(3000))
    assert np.isfinite(fitted.strength)
    own = fitted.presence.coefficients
    away = np.linalg.norm(own - own[5], axis=1)
    assert away[0] > 0.5
    rare = present.copy()
    rare[np.flatnonzero(present[:, 0])[3:], 0] = False  # three positives are left
    few = fit(logits, rare, range(3000)).presence.coefficients
    assert np.linalg.norm(few[0] - few[5]) < away[0]


def test_nothing_is_told_from_something_by_the_level_of_the_logits():
    rng = np.random.default_rng(5)
    logits, present = simulate(rng, 3000, nothing=0.4)
    nothing = ~present.any(axis=1)
    found = fit(logits, present, range(3000))
    assert "logit" in found.presence.inputs
    reported = (found.held_out[nothing] >= 0.5).any(axis=1).mean()
    assert reported < 0.1
    assert (softmax(logits[nothing], axis=1) >= 0.5).any(axis=1).mean() > 2 * reported


def test_groups_are_never_parted_and_folds_are_alike_in_size():
    groups = [f"site {n // 7}" for n in range(350)]
    fold = folds(groups, seed=3)
    assert all(len(set(fold[n : n + 7])) == 1 for n in range(0, 350, 7))
    assert np.bincount(fold).tolist() == [70] * 5
    assert (folds(groups[::-1], seed=3)[::-1] == fold).all()


def test_one_species_only_is_calibrated_by_its_logit():
    rng = np.random.default_rng(6)
    present = rng.random((300, 1)) < 0.5
    logits = present * 2 + rng.normal(size=(300, 1))
    found = fit(logits, present, range(300))
    assert found.presence.inputs == ("logit",)
    assert log_loss(found.held_out, present) < 0.6


@pytest.mark.parametrize("share", [0, 1])
def test_without_negatives_or_positives_there_is_no_calibration(share):
    with pytest.raises(UserError, match="not"):
        fit(np.zeros((20, 2)), np.full((20, 2), share, bool), range(20))


def test_one_group_only_is_refused():
    logits, present = simulate(np.random.default_rng(7), 50)
    with pytest.raises(UserError, match="two groups"):
        fit(logits, present, ["a"] * 50)


def test_logits_that_are_no_numbers_are_refused():
    with pytest.raises(UserError, match="no numbers"):
        fit(np.full((20, 2), np.nan), np.eye(20, 2, dtype=bool), range(20))


def test_logits_of_another_label_set_are_refused():
    curves = Presence(("logit",), np.zeros(1), np.ones(1), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="3"):
        curves.probabilities(np.zeros((1, 4)))
