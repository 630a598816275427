"""The fast objective against the plain one, ties and choices of recordings included."""

import numpy as np
import pytest

from birdml.ensemble.objective import CRITERIA, Objective, criterion_of, stack
from birdml.scoring import score
from tests.ensemble.arrays import made_up
from tests.golden import load_json, load_npz


def plain(objective: Objective, weights: np.ndarray) -> dict[str, float]:
    scores = np.tensordot(np.asarray(weights, np.float32), objective.logits, 1)
    chosen = objective.chosen
    return score(scores[chosen], objective.foreground[chosen], objective.present[chosen])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("shape", [(1, 3, 2), (4, 150, 700), (3, 40, 17)])
def test_equals_scoring(shape, ties):
    objective = made_up(*shape, ties=ties)
    for weights in ([1] * shape[0], np.random.default_rng(1).integers(0, 3, shape[0]) + 0.5):
        expected = plain(objective, np.asarray(weights))
        found = objective.means(objective.terms(weights))
        assert found == pytest.approx((expected["map"], expected["map_bg"]), abs=1e-12)


def test_only_chosen_recordings_count():
    objective = made_up(3, 60, 20)
    half = objective.among(np.arange(60) % 2 == 0)
    expected = plain(half, np.ones(3))
    assert half.means(half.terms(np.ones(3)))[1] == pytest.approx(expected["map_bg"], abs=1e-12)
    assert not half.terms(np.ones(3))[0][1::2].any()


def test_all_weights_zero_answer_nothing_and_lose_to_any_other():
    assert made_up(2, 30, 9).value([0, 0], "fg") == -np.inf


def test_unknown_foreground_counts_zero():
    objective = made_up(2, 10, 5)
    unknown = Objective.of_all(objective.logits, np.full(10, -1), objective.present)
    assert unknown.value([1, 1], "fg") == 0
    assert unknown.value([1, 1], "bg") == objective.value([1, 1], "bg")


def test_stack_takes_one_array_at_a_time():
    arrays = [np.full((2, 3), k, np.float64) for k in range(4)]
    stacked = stack(iter(arrays), 4)
    assert stacked.dtype == np.float32 and stacked.shape == (4, 2, 3)
    assert stacked[:, 1, 2].tolist() == [0, 1, 2, 3]


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        Objective.of_all(np.zeros((2, 3, 4), np.float32), np.zeros(3), np.zeros((3, 5), bool))


def golden_objective(softmax: bool = False) -> Objective:
    about, arrays = load_json("blender.json"), load_npz("blender.npz")
    logits, truth = arrays["preds"].astype(np.float32), arrays["truth"]
    if softmax:
        logits = np.exp(logits - logits.max(axis=-1, keepdims=True))
        logits /= logits.sum(axis=-1, keepdims=True)
    present = np.zeros(logits.shape[1:], dtype=bool)
    present[np.arange(len(truth)), truth] = True
    for row, labels in enumerate(about["bg"]):
        present[row, labels] = True
    return Objective.of_all(logits, truth, present)


def test_golden_targets():
    objective = golden_objective()
    key = next(key for key in load_json("blender.json") if key.startswith("targets"))
    for case in load_json("blender.json")[key]:
        terms = objective.means(objective.terms(case["weights"]))
        for criterion in CRITERIA:
            expected = -case["criterion"][criterion]
            assert criterion_of(terms, criterion) == pytest.approx(expected, abs=1e-12)
