"""Fits of heads: what they learn, and that it is the minimum."""

import numpy as np
import pytest
from scipy.special import log_softmax

from birdml.training.head_fits import (
    Linear,
    Mlp,
    Prototypes,
    fit_attention,
    fit_linear,
    fit_mlp,
    fit_prototypes,
    mixup,
)


@pytest.fixture
def data():
    """Rows [60, 8] of three classes around directions of their own, and targets [60, 3]."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    rows = 2 * np.eye(3, 8)[labels] + 0.4 * rng.standard_normal((60, 8)) + 1
    return rows.astype(np.float32), np.eye(3, dtype=np.float32)[labels]


def logits(head, rows):
    """What a head of any kind says of rows, by its formula."""
    if isinstance(head, Mlp):
        return logits(head.second, np.maximum(logits(head.first, rows), 0))
    if isinstance(head, Prototypes):
        away = rows - head.centre
        away = away / np.linalg.norm(away, axis=1, keepdims=True)
        return head.sharpness * away @ head.vectors.T
    return rows @ head.weights.T + head.bias


def right(head, rows, targets):
    return (logits(head, rows).argmax(1) == targets.argmax(1)).mean()


@pytest.mark.parametrize(
    "fit",
    [
        lambda x, t: fit_linear(x, t, 1e-3),
        lambda x, t: fit_mlp(x, t, 1e-3, hidden=16),
        lambda x, t: fit_prototypes(x, t),
    ],
    ids=["linear", "mlp", "prototypes"],
)
def test_a_head_learns_what_can_be_told_apart(data, fit):
    rows, targets = data
    head = fit(rows[:30], targets[:30])
    assert right(head, rows[30:], targets[30:]) > 0.9


def test_a_linear_head_is_the_minimum_that_scikit_learn_finds(data):
    linear_model = pytest.importorskip("sklearn.linear_model")
    rows, targets = data
    rows = rows / np.sqrt((rows**2).sum(1).mean())
    ours = fit_linear(rows, targets, l2=0.02)
    theirs = linear_model.LogisticRegression(C=1 / (0.02 * 60), tol=1e-8, max_iter=1000)
    theirs.fit(rows, targets.argmax(1))
    np.testing.assert_allclose(ours.weights, theirs.coef_, atol=2e-3)


def test_l2_means_the_same_for_louder_embeddings(data):
    rows, targets = data
    one, other = fit_linear(rows, targets, 0.01), fit_linear(100 * rows, targets, 0.01)
    np.testing.assert_allclose(logits(one, rows), logits(other, 100 * rows), atol=1e-3)


def test_a_warm_head_stays_where_it_starts_if_pulled_hard_and_leaves_if_not(data):
    rows, targets = data
    start = Linear(np.roll(np.eye(3, 8, dtype=np.float32), 1, axis=0), np.zeros(3, np.float32))
    held, free = (fit_linear(rows, targets, l2, start) for l2 in (1e4, 1e-4))
    np.testing.assert_allclose(held.weights, start.weights, atol=1e-3)
    assert right(held, rows, targets) < 0.5 < right(free, rows, targets)


def test_weights_of_rows_count_as_copies(data):
    rows, targets = data
    weights = np.where(np.arange(60) < 20, 3.0, 1.0)
    weighted = fit_linear(rows, targets, 0.01, weights=weights)
    again = np.repeat(np.arange(60), weights.astype(int))
    copied = fit_linear(rows[again], targets[again], 0.01)
    scale = np.sqrt((rows**2).sum(1).mean() / (rows[again] ** 2).sum(1).mean())
    assert scale == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(logits(weighted, rows), logits(copied, rows), atol=0.05)


def test_mlp_is_the_same_for_the_same_seed(data):
    one, same, other = (fit_mlp(*data, 1e-3, hidden=8, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.first.weights, same.first.weights)
    assert abs(one.first.weights - other.first.weights).max() > 1e-3


def test_mixtures_lie_between_their_rows(data):
    rows, targets = mixup(*data, alpha=0.3, rng=np.random.default_rng(0))
    np.testing.assert_allclose(targets.sum(1), 1, rtol=1e-5)
    assert rows.dtype == np.float32 and len(rows) == 60
    assert (rows >= data[0].min(0) - 1e-5).all() and (rows <= data[0].max(0) + 1e-5).all()


def test_attention_turns_away_from_windows_in_which_nothing_sings(data):
    rows, targets = data
    head = fit_linear(rows, targets, 1e-3)
    rng = np.random.default_rng(1)
    nothing = 0.4 * rng.standard_normal((60, 8)) + 1 + 3 * np.eye(8)[7]
    windows = np.stack([rows, nothing], 1).reshape(120, 8).astype(np.float32)
    first = np.arange(0, 121, 2)
    likely = log_softmax(logits(head, windows), axis=1)
    direction = fit_attention(windows, first, likely, targets, 1e-3)
    score = (windows @ direction).reshape(60, 2)
    assert (score[:, 0] > score[:, 1]).mean() > 0.95


@pytest.mark.parametrize(
    ("rows", "targets"),
    [
        (np.ones((2, 3)), np.ones((3, 2))),
        (np.ones((2, 3)), np.zeros((2, 2))),
        (np.ones((2, 3)), np.array([[1, -0.5], [1, 0]])),
    ],
)
def test_rows_without_a_class_are_refused(rows, targets):
    with pytest.raises(ValueError):
        fit_linear(rows, targets, 0.1)


def test_a_recording_without_windows_is_refused():
    with pytest.raises(ValueError, match="without windows"):
        fit_attention(np.ones((2, 3)), np.array([0, 2, 2]), np.zeros((2, 2)), np.eye(2), 0.1)


def test_an_mlp_hears_nothing_in_what_no_recording_holds():
    rng = np.random.default_rng(0)
    rows = np.zeros((8, 20))
    rows[:, :6] = rng.standard_normal((8, 6))
    found = fit_mlp(rows, np.eye(2)[np.arange(8) % 2], 1e-4, 16)
    new = np.zeros((1, 20), np.float32)
    new[0, 6:] = 50.0

    def logits(x):
        inner = np.maximum(x @ found.first.weights.T + found.first.bias, 0)
        return inner @ found.second.weights.T + found.second.bias

    np.testing.assert_allclose(logits(rows[:1] + new), logits(rows[:1]), atol=1e-3)
    assert (logits(rows).argmax(1) == np.arange(8) % 2).all()
