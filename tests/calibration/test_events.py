"""Windows become events: touching, overlapping, apart, with hysteresis, piece by piece."""

from itertools import pairwise

import numpy as np
import pytest

from birdml.calibration.events import Event, merged

HALF = np.array([0.5, 0.5])


def windows(scores, length=5.0, hop=5.0):
    starts = hop * np.arange(len(scores))
    scores = np.array(scores, dtype=float)
    return starts, starts + length, scores, 10 * scores


def test_windows_that_touch_become_one_event():
    found = list(merged([windows([[0.6, 0], [0.9, 0], [0.2, 0], [0.7, 0]])], HALF))
    assert found == [Event(0, 10, 0, 0.9, 1, 9.0, 2), Event(15, 20, 0, 0.7, 1, 7.0)]


def test_windows_that_overlap_become_one_event_also_over_a_gap_within():
    found = list(merged([windows([[0.6, 0], [0.1, 0], [0.8, 0]], hop=2.0)], HALF))
    assert found == [Event(0, 9, 0, 0.8, 1, 8.0, 2)]


def test_species_do_not_disturb_each_other():
    found = list(merged([windows([[0.6, 0.9], [0.1, 0.8]])], HALF))
    assert found == [Event(0, 5, 0, 0.6, 2, 6.0), Event(0, 10, 1, 0.9, 1, 9.0, 2)]


def test_hysteresis_goes_on_before_and_after_down_to_a_share_of_the_threshold():
    scores = [[0.3, 0.3], [0.6, 0.4], [0.3, 0.3], [0.1, 0.1]]
    found = list(merged([windows(scores, 0.1, 0.1)], HALF, close=0.5))
    assert [(e.label, e.windows) for e in found] == [(0, 3)]
    assert (found[0].start, found[0].end) == (0, pytest.approx(0.3))


def test_a_window_holds_its_best_species_only():
    scores = [[0.9, 0.8], [0.7, 0.8], [0.6, 0.6]]
    found = list(merged([windows(scores)], HALF, top=1))
    assert [(e.start, e.end, e.label, e.rank) for e in found] == [
        (0, 5, 0, 1),
        (5, 10, 1, 1),
        (10, 15, 0, 1),  # of equal ones the first
    ]


def test_piece_by_piece_is_as_all_at_once():
    rng = np.random.default_rng(0)
    starts, ends, scores, logits = windows(rng.random((200, 6)), 5.0, 2.5)
    thresholds = rng.uniform(0.4, 0.8, 6)
    whole = list(merged([(starts, ends, scores, logits)], thresholds, 0.8))
    cuts = [0, 1, 17, 100, 101, 200]
    pieces = [(starts[a:b], ends[a:b], scores[a:b], logits[a:b]) for a, b in pairwise(cuts)]
    assert list(merged(pieces, thresholds, 0.8)) == whole
    assert len(whole) > 50


def test_nothing_above_the_threshold_is_no_event():
    assert list(merged([windows([[0.4, 0.4]])], HALF)) == []
    assert list(merged([], HALF)) == []
