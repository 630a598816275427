"""Measures of probabilities against independent ones and by hand."""

import numpy as np
import pytest

from birdml.calibration.measures import brier, calibration_error, log_loss, reliability


@pytest.fixture
def made_up():
    rng = np.random.default_rng(0)
    probabilities = rng.random((200, 4))
    return probabilities, rng.random((200, 4)) < probabilities**1.3


def test_log_loss_and_brier_are_those_of_scikit_learn(made_up):
    reference = pytest.importorskip("sklearn.metrics")
    probabilities, present = made_up
    flat = (present.ravel(), probabilities.ravel())
    assert log_loss(probabilities, present) == pytest.approx(reference.log_loss(*flat))
    assert brier(probabilities, present) == pytest.approx(reference.brier_score_loss(*flat))


def test_calibration_error_by_hand():
    probabilities = np.array([[0.05, 0.05, 0.95, 0.95]])
    present = np.array([[False, True, True, True]])
    # bins 0 and 14: |.05 - .5| and |.95 - 1|, two entries each
    assert calibration_error(probabilities, present) == pytest.approx((0.45 + 0.05) / 2)


def test_a_probability_of_one_is_in_the_last_bin():
    curve = reliability(np.array([[1.0, 0.0]]), np.array([[True, False]]), 4)
    assert curve.probability.tolist() == [0.0, 1.0]
    assert curve.share.tolist() == [0.0, 1.0]
    assert curve.count.tolist() == [1, 1]


def test_a_wrong_certainty_costs_a_finite_loss():
    assert np.isfinite(log_loss(np.array([[0.0, 1.0]]), np.array([[True, False]])))
