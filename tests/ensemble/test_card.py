"""The card of a registered model says what is known, once."""

import doctest

import pytest

from birdml.ensemble import card as module
from birdml.ensemble.card import FIRST, LENGTH, card, shortened, without_card
from tests.ensemble.saved import combination


@pytest.fixture
def folder(tmp_path):
    return combination(tmp_path, {"meta": 0.25, "audio": 0.75}, "both")


def test_it_tells_members_data_limits_and_how_to_use_it(folder):
    text = card(
        "birdml-both", folder, {"crossfit/map": "0.5", "crossfit/map_bg": "0.25"}, "MAP 0.6"
    )
    assert text.startswith(f"MAP 0.6\n\n{FIRST}")
    for words in (
        "meta, version 3, weight 0.25", "MAP 0.500, MAP-bg 0.250",
        "from its audio and date, time and place",
        "models:/birdml-both@champion", "not probabilities", "digest `", "Schlüter",
    ):  # fmt: skip
        assert words in text


def test_of_what_is_unknown_there_is_no_section(folder):
    assert "## Cross-fitted" not in card("birdml-both", folder, {})


def test_a_card_within_the_description_is_replaced(folder):
    once = card("birdml-both", folder, {}, "MAP 0.6")
    assert card("birdml-both", folder, {}, once) == once and without_card(once) == "MAP 0.6"


def test_a_long_card_keeps_whole_sections_and_says_where_the_rest_is(folder):
    text = card("birdml-both", folder, {}, "MAP 0.6") + "\n## More\n\n" + "word " * LENGTH
    short = shortened(text)
    assert len(short) <= LENGTH and "## To cite" in short and "## More" not in short
    assert short.endswith("among the files of the model.\n")


def test_examples():
    assert doctest.testmod(module).failed == 0
