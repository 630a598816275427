import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from birdml.annotations.pairing import Pair
from birdml.scoring import curves
from birdml.scoring.detections import events_from, rates_from, species_rows
from birdml.scoring.windows import cells_of, window_scores
from tests.annotations.made import marks


def pair(scores=(0.9, 0.4, np.nan)):
    """Three detections of two species in one recording, of which the first two are right."""
    truth = marks([(0, 0, 0, 2), (0, 1, 5, 7)])
    rows = [(0, 0, 0, 2), (0, 1, 5, 7), (0, 1, 10, 12)]
    found = marks([(*row, score) for row, score in zip(rows, scores)])
    names = ("a", "b", "c")
    return Pair(("one",), names, names, np.array([15.0]), truth, found, ())


def test_events_are_those_of_detections_from_a_score_on():
    assert events_from(pair(), 0.3).right.tolist() == [1, 1, 0]
    assert events_from(pair(), 0.5).right.tolist() == [1, 0, 0]
    assert events_from(pair(), 0.5).found.tolist() == [1, 1, 0], "without a score it counts as 1"
    assert events_from(pair(), np.nan).found.tolist() == [0, 0, 0]
    assert events_from(pair(), 0.3, species=5).found.tolist() == [1, 2, 0, 0, 0]


def test_rates_and_rows_of_species_go_together():
    both = pair((0.9, 0.4, 0.8))
    cells = cells_of(both.truth, both.detections, both.seconds, 5.0, 3)
    _, own, together = window_scores(cells)
    matches = events_from(both, 0.5)
    rates = rates_from(together, 0.5, matches)
    assert (rates.precision, rates.recall, rates.f1) == (0.5, 0.5, 0.5)
    assert (rates.event_precision, rates.event_recall) == (0.5, 0.5)
    rows = species_rows(both, own, matches, [0.5])
    assert [row["class_id"] for row in rows] == ["a", "b"], "what is in neither has no row"
    assert [row["detections"] for row in rows] == [1, 2]
    assert [row["recall_at_0.5"] for row in rows] == [1, 0]
    assert [row["event_f1"] for row in rows] == [1, 0]


def test_golden_recall_and_precision_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    score, present = rng.normal(size=50), rng.random(50) < 0.4
    c = curves.curves(np.zeros(50, int), score, present, 1, 50)
    recall, precision = curves.recall_precision(c, 0)
    theirs, of_recall, _ = precision_recall_curve(present, score)
    count = len(of_recall) - 1  # their last point has no score
    assert recall == pytest.approx(of_recall[:count][::-1])
    assert precision == pytest.approx(theirs[:count][::-1])
