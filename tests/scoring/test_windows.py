import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    label_ranking_average_precision_score,
    precision_recall_curve,
    precision_recall_fscore_support,
    roc_auc_score,
)

from birdml.errors import UserError
from birdml.scoring import curves
from birdml.scoring.windows import Cells, cells_of, window_scores
from tests.annotations.made import marks

W, C = 60, 7


def cells(window=0):
    """Cells, and the same as matrices; species 5 is never there, 6 always, scores have ties."""
    rng = np.random.default_rng(window)
    present = rng.random((W, C)) < 0.2
    present[:, 5], present[:, 6] = False, True
    score = np.where(rng.random((W, C)) < 0.5, np.round(rng.normal(size=(W, C)) + present, 1), -99)
    known = (score > -99) | present
    window, label = np.nonzero(known)
    sparse = np.where(score[known] > -99, score[known], -np.inf)
    return Cells(W, C, window, label.astype(np.int32), sparse, present[known]), score, present


@pytest.mark.parametrize("seed", range(5))
def test_golden_figures_are_those_of_scikit_learn(seed):
    sparse, score, present = cells(seed)
    scores, own, _ = window_scores(sparse)
    there = present.any(axis=0)
    assert (scores.species, scores.without, scores.windows) == (6, 1, W)
    of_species = average_precision_score(present[:, there], score[:, there], average=None)
    assert curves.average_precision(own)[there] == pytest.approx(of_species, abs=1e-12)
    assert np.isnan(curves.average_precision(own)[5])
    assert scores.cmap == pytest.approx(of_species.mean(), abs=1e-12)
    micro = average_precision_score(present, score, average="micro")
    assert scores.map_micro == pytest.approx(micro, abs=1e-12)
    areas = [roc_auc_score(present[:, c], score[:, c]) for c in range(5)]
    assert curves.auroc(own)[:5] == pytest.approx(areas, abs=1e-12)
    assert np.isnan(curves.auroc(own)[5:]).all()
    assert scores.auroc == pytest.approx(np.mean(areas), abs=1e-12)
    weights = present.sum(axis=1)
    golden = label_ranking_average_precision_score(present, score, sample_weight=weights)
    assert scores.lwlrap == pytest.approx(golden, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_golden_thresholds_are_those_of_scikit_learn(seed):
    sparse, score, present = cells(seed)
    scores, own, _ = window_scores(sparse)
    precision, recall, thresholds = precision_recall_curve(present.ravel(), score.ravel())
    f1 = 2 * precision * recall / (precision + recall)
    f1 = np.nan_to_num(f1[:-1][thresholds > -99])
    assert scores.best_f1 == pytest.approx(f1.max())
    best = np.flatnonzero(np.isclose(f1, f1.max()))[-1]  # of equal ones the highest score
    assert scores.best_threshold == thresholds[thresholds > -99][best]
    for threshold in (-0.5, 0.3, 1.04, 9.0):
        right, found = curves.at_threshold(own, threshold)
        golden = precision_recall_fscore_support(present, score >= threshold, zero_division=np.nan)
        ours = curves.rates(right, found, own.positives)
        there = own.positives > 0
        for a, b in zip(ours, golden):
            assert a[there] == pytest.approx(b[there], nan_ok=True)


def test_figures_of_a_case_by_hand():
    truth = marks([(0, 0, 0, 5), (0, 1, 5, 10), (0, 0, 10, 15)])
    found = marks([(0, 0, 0, 5, 0.9), (0, 0, 5, 10, 0.8), (0, 1, 5, 10, 0.7), (0, 2, 10, 15, 0.1)])
    scores, own, _ = window_scores(cells_of(truth, found, np.array([20.0]), 5, 3))
    # species 0: right, wrong, then its second window among the two of four without a detection
    assert curves.average_precision(own)[:2] == pytest.approx([0.5 * 1 + 0.5 * 2 / 4, 1.0])
    assert scores.cmap == pytest.approx((0.75 + 1) / 2)
    # positives .9 and none; negatives .8 and none: 2 pairs won, one tie, one lost
    assert curves.auroc(own)[:2] == pytest.approx([2.5 / 4, 1.0])
    assert scores.top1 == pytest.approx(1 / 3)
    # ranks: first of one; second of two; last of three
    assert scores.lwlrap == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert (scores.best_f1, scores.best_threshold) == (pytest.approx(2 * 2 / (3 + 3)), 0.7)
    assert (scores.species, scores.without, scores.windows) == (2, 1, 4)


def test_a_mark_counts_where_enough_of_it_lies():
    truth = marks([(0, 0, 4.81, 9), (0, 1, 4.8, 9), (0, 2, 4.9, 5.1)])
    got = cells_of(truth, marks([]), np.array([10.0]), 5, 3)
    placed = {(int(w), int(c)) for w, c in zip(got.window, got.label)}
    assert placed == {(1, 0), (0, 1), (1, 1), (0, 2), (1, 2)}


def test_a_mark_without_duration_is_in_one_window_and_times_may_be_inexact():
    truth = marks([(0, 0, 5, 5), (0, 1, 5.0000000001, 9.9999999999), (0, 2, 0, 10.0000000001)])
    got = cells_of(truth, marks([]), np.array([10.0000000001]), 5, 3)
    assert got.windows == 2
    assert sorted(zip(got.window.tolist(), got.label.tolist())) == [(0, 2), (1, 0), (1, 1), (1, 2)]


def test_windows_of_several_recordings_and_the_highest_score():
    files = ("r", "s")
    truth = marks([(1, 1, 1, 2)], files)
    found = marks([(1, 1, 0, 3, 0.2), (1, 1, 2, 5, 0.6), (0, 1, 3, 6, 0.4)], files)
    got = cells_of(truth, found, np.array([7.0, 3.0]), 3, 3)
    table = {(int(w), int(c)): s for w, c, s in zip(got.window, got.label, got.score)}
    assert got.windows == 4  # of r three, the last of one second
    assert table == {(3, 1): 0.6, (1, 1): 0.4}
    assert got.present.tolist() == [(w, c) == (3, 1) for w, c in zip(got.window, got.label)]


def test_detections_without_score_count_as_one():
    got = cells_of(marks([]), marks([(0, 0, 0, 1)]), np.array([1.0]), 1, 1)
    assert got.score.tolist() == [1.0]


def test_nothing_to_count_is_no_number():
    scores, _, _ = window_scores(cells_of(marks([]), marks([(0, 0, 0, 1, 0.5)]), np.ones(1), 1, 3))
    assert np.isnan([scores.cmap, scores.auroc, scores.top1, scores.lwlrap, scores.map_micro]).all()
    assert (scores.species, scores.without) == (0, 3)


def test_more_windows_than_can_be_held_are_refused():
    truth = marks([(0, 0, 0, 1e6)] * 30)
    with pytest.raises(UserError, match="choose longer windows"):
        cells_of(truth, truth, np.array([1e6]), 0.1, 3)
