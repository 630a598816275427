import numpy as np
import pytest

from birdml.errors import UserError
from birdml.scoring import TENTHS, average_precision, random_tenths, ranks, score
from tests.golden import load_json, load_npz


def sorted_ranks(scores):
    """Ranks of all classes the slow way, int [N, C]."""
    order = np.argsort(-scores, axis=1, kind="stable")
    result = np.empty_like(order)
    np.put_along_axis(result, order, np.arange(1, scores.shape[1] + 1)[None], axis=1)
    return result


@pytest.mark.parametrize("levels", [2, 5, 10**6])
@pytest.mark.parametrize("shape", [(1, 1), (40, 7), (700, 1500)])
def test_ranks_are_those_of_a_stable_descending_sort(shape, levels):
    rng = np.random.default_rng(1)
    scores = rng.integers(levels, size=shape).astype(np.float32)
    labels = rng.integers(shape[1], size=shape[0])
    expected = sorted_ranks(scores)[np.arange(shape[0]), labels]
    np.testing.assert_array_equal(ranks(scores, labels), expected)


@pytest.mark.parametrize("levels", [3, 10**6])
def test_average_precision_is_that_of_the_sorted_list(levels):
    rng = np.random.default_rng(2)
    scores = rng.integers(levels, size=(300, 40)).astype(np.float64)
    present = rng.random((300, 40)) < 0.08
    present[5] = False
    present[6] = True
    found = average_precision(scores, present)
    for row, every in enumerate(sorted_ranks(scores)):
        right = np.sort(every[present[row]])
        expected = np.mean(np.arange(1, len(right) + 1) / right) if len(right) else 0
        assert found[row] == pytest.approx(expected, abs=1e-14)
    assert found[5] == 0
    assert found[6] == 1


def test_score_by_hand():
    scores = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    present = np.array([[0, 1, 1], [0, 0, 1]], dtype=bool)
    result = score(scores, np.array([1, 2]), present)
    assert result["map"] == pytest.approx((1 / 2 + 1) / 2)
    assert result["map_bg"] == pytest.approx(((1 / 2 + 2 / 3) / 2 + 1) / 2)
    assert [result[f"top{k}"] for k in range(1, 6)] == [0.5, 1, 1, 1, 1]


def test_a_species_outside_the_label_set_counts_nothing():
    result = score(np.ones((2, 4)), np.array([0, -1]), np.eye(2, 4, dtype=bool) & [[1], [0]])
    assert (result["map"], result["map_bg"], result["top5"]) == (0.5, 0.5, 0.5)


def test_nan_and_emptiness_are_refused():
    scores = np.zeros((3, 4))
    scores[1, 2] = np.nan
    with pytest.raises(UserError, match=r"1 of 3 rows.*row 1"):
        score(scores, np.zeros(3, int), np.zeros((3, 4), bool))
    with pytest.raises(UserError, match="no recordings"):
        score(np.zeros((0, 4)), np.zeros(0, int), np.zeros((0, 4), bool))
    with pytest.raises(ValueError, match=r"0..3"):
        ranks(np.zeros((1, 4)), np.array([4]))


def test_golden_evaluate():
    arrays = load_npz("evaluate.npz")
    cases = load_json("evaluate.json")
    assert cases
    for case in cases:
        k = case["case"]
        found = score(arrays[f"preds{k}"], arrays[f"truth{k}"], arrays[f"truth_bg_onehot{k}"])
        assert found["map"] == pytest.approx(case["map"], abs=1e-9)
        assert found["map_bg"] == pytest.approx(case["map-bg"], abs=1e-9)
        assert found["top1"] == pytest.approx(case["accuracy"], abs=1e-9)
        tops = [found[f"top{i}"] for i in range(1, 1 + min(5, len(case["top-acc"])))]
        assert tops == pytest.approx(case["top-acc"], abs=1e-9)


def test_random_tenths_are_fifty_and_the_same_for_everybody():
    drawn = list(random_tenths(203))
    assert len(drawn) == TENTHS == 50
    assert all(len(set(rows)) == 20 and rows.max() < 203 for rows in drawn)
    assert len({tuple(sorted(rows)) for rows in drawn}) == 50
    for rows, again in zip(drawn, random_tenths(203), strict=True):
        np.testing.assert_array_equal(rows, again)
    assert [len(rows) for rows in random_tenths(3)] == [1] * 50
