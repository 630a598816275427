"""What is asked of scores, what becomes of it, and what is refused in one line."""

import numpy as np
import pytest

from birdml.calibration.calibrate import calibrate
from birdml.calibration.reading import Rule, calibration_id, reading
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import Species
from birdml.errors import UserError
from tests.calibration.simulated import simulate

CLASSES = 6
OF = Dataset(None, "made up", "0", tuple(Species(f"c{i}") for i in range(CLASSES)), ())


@pytest.fixture(scope="module")
def made():
    logits, present = simulate(np.random.default_rng(3), 900, species=CLASSES)
    return calibrate(logits[:600], present[:600], range(600), OF)[0], logits[600:], present[600:]


def test_presence_from_a_tenth_on_is_the_default(made):
    calibration, logits, _ = made
    found = reading("m", calibration, CLASSES, Rule())
    assert found.thresholds.tolist() == [0.1] * CLASSES and not found.remarks and not found.table
    np.testing.assert_array_equal(found.scores(logits), calibration.presence.probabilities(logits))
    assert found.settings == {
        "scores": "presence",
        "calibration": calibration_id(calibration),
        "thresholds": "min_score=0.1",
    }


def test_shares_of_the_softmax_on_request_count_at_any_score(made):
    calibration, logits, _ = made
    found = reading("m", calibration, CLASSES, Rule("softmax"))
    assert found.thresholds is None and not found.remarks
    assert found.scores(logits).sum(axis=1) == pytest.approx(1)
    assert found.settings == {"scores": "softmax"}
    some = reading("m", calibration, CLASSES, Rule("softmax", min_score=0.3))
    assert set(some.thresholds) == {0.3} and some.settings["thresholds"] == "min_score=0.3"


def test_without_a_calibration_it_is_said_and_shares_are_taken():
    found = reading("meta3", None, CLASSES, Rule())
    assert found.presence is None and found.thresholds is None
    (said,) = found.remarks
    assert said.startswith("meta3: uncalibrated") and "-e calibrate -P model=meta3" in said


def test_thresholds_by_rule_are_those_of_each_species(made):
    calibration, logits, present = made
    strict = reading("m", calibration, CLASSES, Rule(precision=0.95))
    loose = reading("m", calibration, CLASSES, Rule(precision=0.6))
    assert (strict.thresholds >= loose.thresholds).all() and len(set(strict.thresholds)) > 2
    assert strict.thresholds.tolist() == [t.score for t in strict.table]
    detected = strict.scores(logits) >= strict.thresholds
    assert present[detected].mean() > 0.88
    most = reading("m", calibration, CLASSES, Rule(recall=0.8))
    found = (most.scores(logits) >= most.thresholds)[present].mean()
    assert 0.7 < found < 0.9


def test_a_precision_that_is_never_reached_is_said(made):
    calibration, _, _ = made
    found = reading("m", calibration, CLASSES, Rule(precision=1.0))
    (said,) = found.remarks
    assert "precision=1" in said and "with what there is" in said and "\n" not in said
    assert np.isfinite(found.thresholds).all()


def test_given_thresholds_are_told_apart_by_what_they_are(made):
    calibration, _, _ = made
    a, b = (reading("m", calibration, CLASSES, Rule(), [v] * CLASSES) for v in (0.5, 0.6))
    assert a.thresholds.tolist() == [0.5] * CLASSES
    assert a.settings["thresholds"] != b.settings["thresholds"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"scores": "sigmoid"}, "scores='sigmoid'; it can be presence or softmax"),
        ({"min_score": 1.5}, r"min_score=1\.5: it must be a number in 0\.\.1"),
        ({"precision": 0.0}, "precision=0: it must be"),
        ({"recall": float("nan")}, "recall=nan: it must be"),
        ({"precision": 0.9, "min_score": 0.5}, "min_score and precision: give one of"),
    ],
)
def test_rules_that_cannot_be(asked, words):
    with pytest.raises(UserError, match=words):
        Rule(**asked)


def test_what_only_a_calibration_can_give_names_the_step_that_makes_one(made):
    for asked, given in ((Rule(precision=0.9), None), (Rule(recall=0.5), None), (Rule(), [0.5])):
        with pytest.raises(UserError, match="uncalibrated: .* -e calibrate -P model=meta3"):
            reading("meta3", None, CLASSES, asked, given)
        softmax = Rule("softmax", precision=asked.precision, recall=asked.recall)
        with pytest.raises(UserError, match="leave scores=softmax out"):
            reading("meta3", made[0], CLASSES, softmax, given)
    with pytest.raises(UserError, match="thresholds and precision: give one"):
        reading("m", made[0], CLASSES, Rule(precision=0.9), [0.5] * CLASSES)
