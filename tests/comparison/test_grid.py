"""The zoo as an experiment: which models are paired, and what a change is worth."""

from dataclasses import replace

import numpy as np
import pytest

from birdml.comparison.grid import gains, same_recipe
from birdml.comparison.statistics import Answers, resamples
from birdml.zoo.load import load_zoo
from birdml.zoo.recipe import AudioRecipe, MetaRecipe, Recipe

N = 60
DRAWN = resamples(N)


def with_map(value: float) -> Answers:
    """Answers whose reciprocal rank is `value` for every recording."""
    return Answers(np.full(N, 1 / value), np.full(N, value))


def found(recipes: dict[str, Recipe], maps: dict[str, float]) -> dict[tuple[str, str], tuple]:
    result = gains(recipes, {name: with_map(value) for name, value in maps.items()}, DRAWN)
    return {(g.family, g.change): (g.gain.value, set(g.pairs), g.beside) for g in result}


@pytest.fixture(scope="module")
def zoo_gains():
    zoo = load_zoo()
    return found(zoo, dict.fromkeys(zoo, 0.5))


def test_the_published_zoo_pairs_teachers_with_what_they_taught(zoo_gains):
    _, pairs, beside = zoo_gains["audio", "a teacher"]
    assert pairs == {
        ("audio1", "audio2"), ("audio4", "audio5"), ("audio7", "audio8"), ("audio3", "audio9"),
        ("audio10", "audio11"), ("audio13", "audio12"), ("audio16", "audio17"),
    }  # fmt: skip
    assert beside == ""


def test_the_published_zoo_pairs_background_labels(zoo_gains):
    _, pairs, _ = zoo_gains["audio", "background species as targets"]
    assert pairs == {
        ("audio1", "audio4"), ("audio2", "audio5"), ("audio6", "audio7"),
        ("audio10", "audio13"), ("audio11", "audio12"), ("audio14", "audio15"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "field, pairs",
    [
        ("date", {("meta2", "meta4"), ("meta1", "meta16"), ("meta11", "meta12")}),
        ("place", {("meta2", "meta6"), ("meta1", "meta18"), ("meta11", "meta14")}),
        ("elevation", {("meta2", "meta7"), ("meta1", "meta19"), ("meta11", "meta15")}),
    ],
)
def test_the_published_zoo_pairs_fields_left_out(zoo_gains, field, pairs):
    assert zoo_gains["meta", f"{field} left out"][1:] == (pairs, "")


def test_blur_that_never_differs_alone_says_what_differs_too(zoo_gains):
    _, pairs, beside = zoo_gains["meta", "blur: none → default"]
    assert "phases" in beside and ("meta6", "meta18") in pairs
    _, pairs, beside = zoo_gains["meta", "blur: default → more"]
    assert beside == "" and ("meta1", "meta11") in pairs and len(pairs) == 5


def test_a_gain_is_the_mean_difference_over_pairs():
    plain = AudioRecipe("a", background=False)
    recipes = {
        "a": plain,
        "b": replace(plain, name="b", teacher="a"),
        "c": replace(plain, name="c", background=True),
        "d": replace(plain, name="d", background=True, teacher="c"),
    }
    result = found(recipes, {"a": 0.2, "b": 0.25, "c": 0.4, "d": 0.5})
    assert result["audio", "a teacher"][0] == pytest.approx((0.05 + 0.1) / 2)
    assert result["audio", "background species as targets"][0] == pytest.approx((0.2 + 0.25) / 2)


def test_models_that_differ_in_two_things_are_no_pair():
    plain = MetaRecipe("a")
    recipes = {"a": plain, "b": replace(plain, name="b", blur="none", background=True)}
    assert found(recipes, {"a": 0.2, "b": 0.3}) == {}


def test_a_model_without_answers_is_left_out():
    plain = AudioRecipe("a")
    recipes = {"a": plain, "b": replace(plain, name="b", teacher="a")}
    assert found(recipes, {"a": 0.2}) == {}


def test_equal_recipes_of_the_zoo_are_found():
    assert ("meta3", "meta9") in same_recipe(load_zoo())
    assert len(same_recipe(load_zoo())) == 1  # meta8 and meta10 have different teachers
