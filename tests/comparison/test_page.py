"""The page and the table: complete, self-contained, and safe with any name."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from birdml.comparison.page import page
from birdml.comparison.report import Compared, compare
from birdml.comparison.statistics import answers
from birdml.comparison.table import table
from birdml.errors import UserError
from birdml.zoo.load import load_zoo

N, C = 120, 12
VOID = {"meta", "link", "line", "circle", "br", "img"}


class Balanced(HTMLParser):
    """Fails where an element is not closed in order; remembers what was there."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.links += [value for key, value in attrs if key in ("src", "href") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def made_up(skill: float, seed: int):
    rng = np.random.default_rng([7, seed])
    truth = np.random.default_rng(7).integers(0, C, N)
    present = np.eye(C, dtype=bool)[truth]
    return answers(rng.normal(size=(N, C)) + skill * present, truth, present)


@pytest.fixture(scope="module")
def models() -> list[Compared]:
    zoo = load_zoo()
    names = ["meta3", "meta8", "meta9", "meta6", "meta2", "audio1"]
    singles = [
        Compared(
            name,
            zoo[name].family,
            made_up(1 + 0.3 * i, i),
            zoo[name],
            minutes=1.5 + i,
            device="cpu",
        )
        for i, name in enumerate(names)
    ]
    members = (("audio1", 0.75), ("meta3", 0.25), ("meta6", 0.0))
    return [
        *singles,
        Compared("best of all", "ensemble", made_up(5, 99), members=members, crossfit=(0.91, 0.92)),
    ]


def test_page_needs_nothing_from_elsewhere_and_is_well_formed(models):
    html = page(compare("here", C, models))
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert all(link.startswith("data:") for link in parser.links)
    assert "url(" not in html and "@import" not in html
    assert 'name="viewport"' in html and "prefers-color-scheme: dark" in html


def test_page_and_table_show_every_model_with_its_interval(models):
    report = compare("here", C, models)
    html, text = page(report), table(report)
    assert report.models[0].name == "best of all"
    for model, one in zip(report.models, report.scores):
        assert one["map"].low <= one["map"].value <= one["map"].high
        for shown in (model.name, f"{one['map'].value:.3f}", f"{one['map'].low:.3f}"):
            assert shown in html and shown in text


def test_page_shows_the_ensemble_with_the_members_that_have_weight(models):
    html = page(compare("here", C, models))
    section = html[html.index("The best ensemble: best of all") :]
    assert "0.750" in section and "Without weight: meta6" in section
    assert "on other recordings: MAP 0.910, MAP-bg 0.920" in section


def test_names_cannot_break_the_page(models):
    evil = '<script>alert("x")</script>&'
    bad = Compared(evil, "meta", made_up(1, 5), load_zoo()["meta3"], minutes=2.0, device=evil)
    html = page(compare(evil, C, [*models, bad]))
    assert "<script>alert" not in html
    assert len(re.findall("<script>", html)) == 1


def test_one_model_alone_can_be_shown(models):
    report = compare("here", C, models[:1])
    assert "meta3" in page(report) and "meta3" in table(report)


def test_nothing_to_compare_is_a_users_error():
    with pytest.raises(UserError, match="train"):
        compare("here", C, [])


def test_findings_call_no_order_clear_that_is_not(models):
    twin = Compared("twin", "meta", models[0].answers, models[0].recipe)
    text = table(compare("here", C, [models[0], twin]))
    assert "0 of 50 random tenths: no clear order" in text


def test_one_recipe_twice_shows_chance_unless_it_is_one_model_twice(models):
    by_name = {model.name: model for model in models}
    apart = compare("here", C, [by_name["meta3"], by_name["meta9"]])
    assert [pair[:2] for pair in apart.chance] in ([("meta3", "meta9")], [("meta9", "meta3")])
    twin = Compared("meta9", "meta", by_name["meta3"].answers, by_name["meta9"].recipe)
    same = compare("here", C, [by_name["meta3"], twin])
    assert same.chance == () and "one model twice" in page(same)


def test_the_page_says_what_was_drawn_and_what_the_recordings_stand_for(models):
    groups = np.arange(len(models[0].answers.rank)) // 3
    stands_for = "recordings by <unknown> recordists"
    report = compare("here", C, models, "recordists", groups, stands_for)
    html = " ".join(page(report).split())
    assert f"2000 resamples of the {groups.max() + 1} recordists" in html
    assert "stand for recordings by &lt;unknown&gt; recordists." in html
    alone = compare("here", C, models)
    html = " ".join(page(alone).split())
    assert "resamples of the recordings" in html and "stand for" not in html
    assert [s["map"].value for s in report.scores] == [s["map"].value for s in alone.scores]
