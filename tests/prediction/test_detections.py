import numpy as np
import pytest

from birdml.calibration.events import Event
from birdml.calibration.presence import Presence
from birdml.calibration.reading import Reading
from birdml.prediction.detections import best_species, joined

SOFTMAX = Reading()


def test_best_species_are_in_order_with_their_share_of_the_softmax():
    logits = np.log(np.array([[0.2, 0.7, 0.1], [0.25, 0.25, 0.5]]))
    rows = list(best_species(np.array([0.0, 5.0]), np.array([5.0, 8.0]), logits, SOFTMAX, top=2))
    assert [(d.start, d.end, d.label, d.rank) for d in rows] == [
        (0.0, 5.0, 1, 1),
        (0.0, 5.0, 0, 2),
        (5.0, 8.0, 2, 1),
        (5.0, 8.0, 0, 2),  # equal to label 1: the first one
    ]
    assert [d.score for d in rows] == pytest.approx([0.7, 0.2, 0.5, 0.25])


def test_more_species_than_there_are_and_huge_logits():
    rows = list(best_species(np.zeros(1), np.ones(1), np.array([[1e4, 0.0, -1e4]]), SOFTMAX, 9))
    assert [d.label for d in rows] == [0, 1, 2]
    assert [d.score for d in rows] == [1.0, 0.0, 0.0]


def test_presence_counts_from_the_threshold_of_a_species_on():
    curves = Presence(("logit",), np.zeros(1), np.ones(1), np.array([[0.0, 1], [0, 2], [-9, 1]]))
    reading = Reading(curves, np.array([0.9, 0.5, 0.5]))
    logits = np.array([[1.0, 0.9, 5.0], [3.0, 0.8, 0.0], [-5.0, -5.0, -5.0]])
    rows = list(best_species(np.arange(3.0), np.arange(3.0) + 1, logits, reading, top=2))
    assert [(d.start, d.label, d.rank, d.logit) for d in rows] == [
        (0.0, 1, 1, 0.9),  # the second one, 0.73, does not reach 0.9
        (1.0, 0, 1, 3.0),
        (1.0, 1, 2, 0.8),
    ]
    assert rows[0].score == pytest.approx(1 / (1 + np.exp(-1.8)))


def test_what_follows_each_other_is_joined_per_rank():
    frames = [
        Event(0.0, 0.1, 5, 0.6, 1, 0.0),
        Event(0.0, 0.1, 7, 0.1, 2, 0.0),
        Event(0.1, 0.2, 5, 0.8, 1, 0.0),
        Event(0.1, 0.2, 8, 0.1, 2, 0.0),
        Event(0.2, 0.3, 8, 0.5, 1, 0.0),
        Event(0.2, 0.3, 8, 0.2, 2, 0.0),
    ]
    assert sorted(joined(frames), key=lambda d: (d.rank, d.start)) == [
        Event(0.0, 0.2, 5, 0.8, 1, 0.0, 2),
        Event(0.2, 0.3, 8, 0.5, 1, 0.0),
        Event(0.0, 0.1, 7, 0.1, 2, 0.0),
        Event(0.1, 0.3, 8, 0.2, 2, 0.0, 2),
    ]
