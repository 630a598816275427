"""Figures over species: their scores, and what they are taken for."""

import numpy as np

from birdml.figures.species import (
    confused_pairs,
    confusions,
    map_per_species,
    score_per_species,
)

# answers 0, 1, 1, 2, 0, 0 for the species 0, 0, 0, 1, 1, unknown
ANSWERS = np.array([0, 1, 1, 2, 0, 0])
FOREGROUND = np.array([0, 0, 0, 1, 1, -1])
LOGITS = np.eye(4)[ANSWERS] * 2 + np.array([0.3, 0.2, 0.1, 0.0])


def test_confusions_count_both_directions_and_leave_out_unknown_species():
    assert confusions(LOGITS, FOREGROUND) == [(0, 1, 2, 1), (1, 2, 1, 0)]


def test_confused_pairs_name_the_pairs_in_that_order():
    figure = confused_pairs(LOGITS, FOREGROUND, ["A", "B", "C", "D"])
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A – B", "B – C"]
    assert "4 of 5" in axes.get_xlabel()


def test_a_model_without_errors_says_so():
    figure = confused_pairs(np.eye(3), np.arange(3), ["A", "B", "C"])
    assert any("rightly" in text.get_text() for text in figure.axes[0].texts)


def test_map_per_species_is_the_mean_reciprocal_rank_of_its_recordings():
    maps, counts = map_per_species(LOGITS, FOREGROUND)
    assert counts.tolist() == [3, 2, 0, 0]
    np.testing.assert_allclose(maps[:2], [(1 + 1 / 2 + 1 / 2) / 3, (1 / 3 + 1 / 2) / 2])
    assert np.isnan(maps[2:]).all()


def test_scores_are_drawn_for_species_that_occur_in_training_and_validation():
    figure = score_per_species(LOGITS, FOREGROUND, np.array([10, 4, 7, 0]), ["A", "B", "C", "D"])
    points = figure.axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(points[:, 0], [10, 4])
    assert figure.axes[0].get_xscale() == "log"


def test_few_and_like_counts_have_ticks_too():
    figure = score_per_species(LOGITS, FOREGROUND, np.array([17, 11, 7, 0]), ["A", "B", "C", "D"])
    ticks = figure.axes[0].get_xticks()
    assert ((ticks >= 11) & (ticks <= 17)).sum() >= 3 and (ticks == ticks.round()).all()


def test_nothing_in_common_is_said_instead_of_drawn():
    figure = score_per_species(LOGITS, FOREGROUND, np.zeros(4, int), ["A", "B", "C", "D"])
    assert any("no species" in text.get_text() for text in figure.axes[0].texts)
