"""Detections compared on one truth: weighted precision, intervals, wins, species, the page."""

import numpy as np
import pytest

from birdml.comparison.marks import Detector as Made
from birdml.comparison.marks import compare_detectors, draws, precisions
from birdml.comparison.marks_page import marks_page, marks_table
from birdml.errors import UserError
from birdml.scoring import curves
from birdml.scoring.windows import Cells
from tests.comparison.test_page import Balanced

W, C, N = 60, 4, 12


def cells(skill, seed=0, ties=False):
    """60 windows of 12 recordings; the last of 4 species is never there, many cells are empty."""
    rng = np.random.default_rng([seed])
    present = np.random.default_rng(9).random((W, C)) < 0.3
    present[:, 3] = False
    score = rng.normal(size=(W, C)) + skill * present
    score = score.round() if ties else score
    detected = rng.random((W, C)) < 0.8
    window, label = np.nonzero(detected | present)
    values = np.where(detected, score, -np.inf)[window, label]
    return Cells(W, C, window, label.astype(np.int32), values, present[window, label])


RECORDING_OF = np.repeat(np.arange(N), W // N)


@pytest.mark.parametrize("ties", [False, True])
def test_a_recording_that_counts_twice_is_one_that_stands_twice(ties):
    made = cells(1.0, 3, ties)
    counts = np.random.default_rng(1).integers(0, 3, size=(5, N))
    counts[0] = 1
    found = precisions(made, RECORDING_OF, counts)
    for row, weight in enumerate(counts):
        times = weight[RECORDING_OF[made.window]]
        repeated = (np.repeat(x, times) for x in (made.label, made.score, made.present))
        windows = int(weight[RECORDING_OF].sum())
        expected = curves.average_precision(curves.curves(*repeated, C, windows))
        np.testing.assert_allclose(found[row], expected, rtol=1e-12)
    assert np.isnan(found[:, 3]).all()


def made_report(**more):
    detectors = [
        Made("poor", "table", cells(0.2, 1), 0.1),
        Made("good <1>", "audio", cells(2.0, 2), 0.5),
        Made("same", "table", cells(2.0, 2), 0.5),
    ]
    return compare_detectors("truth", detectors, RECORDING_OF, "abcd", 5.0, **more)


def test_the_better_one_comes_first_and_wins():
    report = made_report(notes=[("poor", "a <note>")])
    assert [d.name for d in report.detectors] == ["good <1>", "same", "poor"]
    assert report.wins[0, 2] > 0.99 > 0.01 > report.wins[2, 0]
    assert report.wins[0, 1] == report.wins[1, 0] == 0, "equal answers: nobody wins"
    for one, score in zip(report.cmap, report.scores, strict=True):
        assert one.value == score.cmap and one.low < one.value < one.high
    assert report.behind[1].low == report.behind[1].high == 0
    assert report.behind[2].low > 0
    assert (report.best == -1).all(), "two are equally good"
    html, text = marks_page(report), marks_table(report)
    parser = Balanced()
    parser.feed(html)
    assert parser.open == [] and all(link.startswith("data:") for link in parser.links)
    assert "good &lt;1&gt;" in html and "a &lt;note&gt;" in html and "<1>" not in html
    assert "no clear order" in text and "a clear order" in text


def test_species_have_a_best_one():
    detectors = [Made("poor", "table", cells(0.2, 1), 0.1), Made("good", "x", cells(2.0, 2), 0.5)]
    report = compare_detectors("truth", detectors, RECORDING_OF, "abcd", 5.0)
    assert report.best[:3].tolist() == [0, 0, 0] and report.best[3] == -1
    assert (report.sure[:3] > 0.9).all()
    assert "good is the best on 3 of 3 species, surely on" in marks_table(report)
    assert "surely" in marks_page(report)


def test_whole_groups_are_drawn():
    alone, by_site = made_report(), made_report(groups=np.arange(N) // 6, over="sites")
    assert (alone.units, by_site.units) == (N, 2)
    assert by_site.cmap[0].value == alone.cmap[0].value
    assert draws(5).sum(axis=1).tolist() == [5] * 1000
    assert "2 sites" in marks_page(by_site)


def test_one_detector_alone_and_none():
    one = compare_detectors("t", [Made("a", "table", cells(1.0), 0.1)], RECORDING_OF, "abcd", 5.0)
    assert one.wins.tolist() == [[0]] and "Who wins" not in marks_page(one)
    with pytest.raises(UserError, match="nothing to compare"):
        compare_detectors("t", [], RECORDING_OF, "abcd", 5.0)
    one_cell = np.zeros(1, int)
    empty = Cells(W, C, one_cell, one_cell, np.ones(1), one_cell > 0)
    with pytest.raises(UserError, match="no window of the truth holds a mark"):
        compare_detectors("t", [Made("a", "table", empty, 0.1)], RECORDING_OF, "abcd", 5.0)
