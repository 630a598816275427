"""The page of an ensemble: whole, self-contained, and safe with any name."""

import numpy as np

from birdml.ensemble.contributions import Contribution
from birdml.ensemble.crossfit import Crossfit
from birdml.ensemble.page import Rival, page
from birdml.figures.style import new_figure
from tests.comparison.test_page import Balanced

SCORES = {"map": 0.5, "map_bg": 0.4, **{f"top{k}": 0.1 * k for k in range(1, 6)}}


def made(crossfit=None):
    rivals = [Rival("best <b>single</b>", 0.45, 0.35, 40, None)]
    members = [Contribution("<i>audio1", "audio", 0.25, 0.125, 0.3, 0.4, 0.5)]
    return page("a & b", "search <x>", SCORES, crossfit, rivals, members, [new_figure(3, 2)])


def test_it_is_well_formed_and_needs_nothing_from_elsewhere():
    html = made()
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert parser.links and all(link.startswith("data:") for link in parser.links)
    assert "&lt;i&gt;audio1" in html and "<b>single" not in html and "a &amp; b" in html
    for shown in ("0.500", "40 of 50", "12.5%", "0.25"):
        assert shown in html


def test_it_promises_other_recordings_only_where_weights_were_crossfitted():
    assert "expect the second" not in made() and "other recordings" not in made()
    html = made(Crossfit(0.31, 0.29, (np.zeros(1), np.zeros(1))))
    assert "expect the second" in html and "0.310" in html
