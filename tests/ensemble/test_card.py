"""The card of a registered model says what is known, once."""

import doctest
from dataclasses import replace

import pytest

from birdml.ensemble import card as module
from birdml.ensemble.card import (
    FIRST,
    LENGTH,
    LICENCES,
    PARAMETERS,
    RECORDINGS,
    card,
    data_tags,
    shortened,
    without_card,
)
from tests.datasets import make_dataset
from tests.ensemble.saved import combination


@pytest.fixture
def folder(tmp_path):
    return combination(tmp_path, {"meta": 0.25, "audio": 0.75}, "both")


def test_it_tells_members_data_limits_and_how_to_use_it(folder):
    text = card(
        "birdml-both",
        folder,
        {"crossfit/map": "0.5", "crossfit/map_bg": "0.25", "crossfit/intervals": "MAP 0.4 to 0.6"},
        "MAP 0.6",
    )
    assert text.startswith(f"MAP 0.6\n\n{FIRST}")
    for words in (
        "meta, version 3, weight 0.25", "MAP 0.500, MAP-bg 0.250", "intervals: MAP 0.4 to 0.6.",
        "from its audio and date, time and place",
        "models:/birdml-both@champion", "not probabilities", "digest `", "Schlüter",
    ):  # fmt: skip
        assert words in text


def test_it_counts_recordings_and_tells_their_licences_as_far_as_the_source_does(folder, tmp_path):
    made = make_dataset(tmp_path / "made", audio=False)
    tags = data_tags(made)
    assert tags[RECORDINGS] == "train 24, valid 9, test 4"
    assert tags[LICENCES] == "The source names none."
    told = replace(made, made={"licences": ["CC BY 4.0: 20", "not said: 4"]})
    text = card("birdml-both", folder, data_tags(told))
    assert "recordings per split: train 24, valid 9, test 4." in text
    assert "number of training recordings: CC BY 4.0: 20, not said: 4." in text
    for layout, said in (("folders", "whoever collected them"), ("birdclef2018", "xeno-canto")):
        assert said in data_tags(replace(made, made={"layout": layout, "source": "x"}))[LICENCES]
    demo = data_tags(replace(made, made={"layout": "birdclef2018", "source": "demo"}))
    assert "invented" in demo[LICENCES]


def test_parameters_from_elsewhere_were_not_trained_on_the_dataset(folder):
    text = card("birdml-both", folder, {PARAMETERS: "audio (`a.npz`)"})
    assert "were not trained here: audio (`a.npz`)" in text and "Trained on" not in text


def test_models_that_keep_their_recordings_say_so_and_what_they_take(tmp_path):
    folder = combination(tmp_path, {"place_kernel": 0.5, "place": 0.5}, "both")
    text = card("birdml-both", folder, {})
    assert "**place_kernel holds date, time, place" in text
    assert "from its date, time and place:" in text
    only = combination(tmp_path / "other", {"place": 1.0}, "place")
    assert "holds date" not in card("birdml-place", only, {})


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
