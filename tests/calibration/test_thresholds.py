"""Thresholds by rule hold on recordings that were not seen."""

import numpy as np
import pytest

from birdml.calibration.fitting import fit
from birdml.calibration.thresholds import Evidence, by_precision, by_recall, evidence
from tests.calibration.simulated import simulate


@pytest.fixture(scope="module")
def simulated():
    """Evidence of 3000 recordings; probabilities and truth of 20 000 others."""
    logits, present = simulate(np.random.default_rng(11), 23_000, species=10)
    logits[:3000, 9] -= 5 * present[:3000, 9]
    present[:3000, 9] = False  # heard in the others only
    found = fit(logits[:3000], present[:3000], range(3000))
    unseen = found.presence.probabilities(logits[3000:])
    return evidence(found.held_out, present[:3000]), unseen, present[3000:]


def test_a_precision_asked_for_is_had_on_unseen_recordings():
    """Within 0.05 for nine of ten species with 30 positives or more, and 0.02 over all of them:
    30 positives leave a standard error of 0.05."""
    within, right, all_detected = [], 0, 0
    for seed in range(4):
        logits, present = simulate(np.random.default_rng(seed), 9000, species=10)
        found = fit(logits[:3000], present[:3000], range(3000))
        thresholds, reached = by_precision(evidence(found.held_out, present[:3000]), 0.9)
        assert reached
        unseen = found.presence.probabilities(logits[3000:])
        for label, threshold in enumerate(thresholds):
            if threshold.positives >= 30:
                detected = unseen[:, label] >= threshold.score
                precision = present[3000:, label][detected].mean()
                within.append(0.85 <= precision <= 0.95)
                right += present[3000:, label][detected].sum()
                all_detected += detected.sum()
                assert threshold.source == "own"
    assert len(within) > 30
    assert np.mean(within) >= 0.9
    assert 0.88 <= right / all_detected <= 0.92


def test_a_recall_asked_for_is_had_on_unseen_recordings(simulated):
    own, unseen, present = simulated
    thresholds, _ = by_recall(own, 0.8)
    for label in range(9):
        found = unseen[present[:, label], label] >= thresholds[label].score
        assert 0.7 <= found.mean() <= 0.9


def test_a_higher_precision_has_higher_thresholds(simulated):
    own, _, _ = simulated
    low, high = (by_precision(own, target)[0] for target in (0.7, 0.95))
    assert all(a.score <= b.score for a, b in zip(low, high))


def test_a_species_that_never_was_present_keeps_the_common_threshold(simulated):
    own, _, _ = simulated
    thresholds, _ = by_precision(own, 0.9)
    assert thresholds[9].source == "common"
    assert thresholds[9].positives == 0


def test_a_species_that_does_not_reach_it_keeps_the_common_threshold():
    good = Evidence(np.linspace(0.99, 0.9, 50), np.linspace(0.3, 0.1, 50), 50)
    bad = Evidence(np.full(5, 0.3), np.full(200, 0.6), 5)
    thresholds, reached = by_precision([good, bad], 0.9)
    assert reached
    assert [t.source for t in thresholds] == ["own", "common"]
    assert thresholds[1].score > 0.6


def test_a_precision_that_nobody_reaches_is_said_and_the_best_there_is_taken():
    bad = Evidence(np.full(5, 0.3), np.full(200, 0.6), 5)
    thresholds, reached = by_precision([bad, bad], 0.9)
    assert not reached
    assert thresholds[0].source == "common"
    assert 0 < thresholds[0].expected < 0.9


def test_one_lucky_detection_does_not_make_a_threshold():
    lucky = Evidence(np.array([0.2]), np.array([0.19, 0.18, 0.17]), 1)
    known = Evidence(np.linspace(0.99, 0.8, 90), np.linspace(0.85, 0.1, 300), 90)
    thresholds, _ = by_precision([known, lucky], 0.9)
    assert thresholds[1].source == "common"


def test_equal_scores_are_detected_together():
    tied = Evidence(np.full(9, 0.9), np.full(91, 0.9), 9)
    assert not by_precision([tied], 0.5)[1]


def test_scores_that_no_one_would_report_are_not_kept():
    probabilities = np.array([[0.5], [0.001], [0.2]])
    (kept,) = evidence(probabilities, np.array([[True], [True], [False]]))
    assert kept.present.tolist() == [0.5]
    assert kept.absent.tolist() == [0.2]
    assert kept.positives == 2
