"""The zoo: 37 models by name, equal to the published settings, and models of a user's own."""

import json

import pytest

from birdml.dataset.recording import FIELDS
from birdml.errors import UserError
from birdml.zoo.load import configure, load_zoo, select
from birdml.zoo.recipe import BLURS, AudioRecipe, Recipe
from tests.golden import shared_folder

ARCHITECTURES = {
    "plain": "conv:64x3x3,conv:64x3x3,pool:3x3,conv:128x3x3,conv:128x3x3,conv:128x3x-Shift,"
    "pool:3xShift,Conv:Fullx9x-1,Conv:Fullx1x1",
    "residual": "resblock_start:2x64x3x3,pool:3x3,resblock_end:2x128x3x3,conv:128x3x-Shift,"
    "pool:3xShift,Conv:Fullx9x-1,Conv:Fullx1x1",
}


def as_published(recipe: Recipe, defaults: dict) -> dict:
    """A recipe in the words of the 2018 configuration, without what equals its defaults."""
    hears = recipe if recipe.takes_samples else AudioRecipe("none")
    pooling = hears.pooling.replace("lme", "logmeanexp:").replace("att", "attention:")
    words = {
        "eta_decay": recipe.learning_rate_decay,
        "eta_decay_every": "trial_of_patience",
        "patience": recipe.patience,
        "trials_of_patience": recipe.patience_trials,
        "epochs": recipe.epochs,
        "epochsize": recipe.epoch_steps,
        "initial_eta": recipe.learning_rate,
        "batchsize": recipe.batch_size,
        "pred_clip": 0,
        "cost": "softmax",
        "arch.output": "softmax",
        "arch.pool": pooling,
        "arch.fulldrop": hears.dropout,
        "filterbank": hears.filterbank,
        "mel_bands": hears.mel_bands,
        "mel_min": hears.mel_min,
        "mel_max": hears.mel_max,
        "magscale": {"power": "pow_learn"}[hears.magnitude],
        "first_params_eta_scale": recipe.first_parameter_rate,
        "arch.shiftable": hears.shifts,
        "arch.fullsize": hears.width,
        "arch": ARCHITECTURES[recipe.trunk] if recipe.takes_samples else "",
        "len_min": recipe.excerpt_min if recipe.takes_samples else 0,
        "len_max": recipe.excerpt_max if recipe.takes_samples else 0,
        "len_buckets": hears.length_buckets,
    }
    if recipe.takes_metadata:
        words["input_meta"] = ",".join(recipe.fields)
        words["arch_meta"] = ",".join(f"full:{size}" for size in recipe.hidden)
        words["input_meta.date_encoding.size"] = recipe.date_phases
        words["input_meta.time_encoding.size"] = recipe.time_phases
        words["input_meta.dropout"] = recipe.field_dropout
        for field, deviation in zip(FIELDS, recipe.blur_deviations):
            words[f"input_meta.{field}_noise"] = deviation
    if recipe.patience_criterion != "valid_loss":
        words["patience_criterion"] = recipe.patience_criterion
    if recipe.family == "combined":
        words["arch_meta.weight"] = recipe.metadata_weight
        words["init_from"] = list(recipe.start_from)
    if recipe.background:
        words["mix_fg_bg"] = 1
    if recipe.teacher:
        words["ban"] = recipe.teacher
    return {key: value for key, value in words.items() if defaults.get(key) != value}


def test_golden_every_model_resolves_to_its_published_settings():
    published = json.loads((shared_folder("reference") / "recipes.json").read_text())
    zoo = load_zoo()
    assert list(zoo)[:37] == [model["name"] for model in published["models"]]
    for model in published["models"]:
        ours = as_published(zoo[model["name"]], published["defaults"])
        assert ours == model["settings_differing_from_defaults"], model["name"]
        assert zoo[model["name"]].family == model["kind"]


def test_there_are_37_models_of_2018_four_of_place_and_five_heads():
    zoo = load_zoo()
    families = [recipe.family for recipe in zoo.values()]
    assert [families.count(f) for f in ("audio", "meta", "combined")] == [17, 19, 1]
    assert list(zoo)[37:41] == ["place1", "place2", "place3", "combined2"]
    heads = ("own", "linear", "mlp", "prototype", "warm")
    assert [recipe.head for recipe in list(zoo.values())[41:]] == list(heads)
    assert zoo["meta3"].blur_deviations == BLURS["none"]
    assert zoo["meta4"].fields == ("time", "latitude", "longitude", "elevation")


def test_selection_takes_names_families_patterns_and_keeps_the_order_of_the_zoo():
    zoo = load_zoo()
    assert select("meta3,audio1", zoo) == ["audio1", "meta3"]
    assert select("meta1*", zoo) == ["meta1", *(f"meta{i}" for i in range(10, 20))]
    assert select("all", zoo) == list(zoo)[:41]  # what needs no weights of others
    assert select("head", zoo) == list(zoo)[41:]
    assert select("combined", zoo) == ["combined1"]
    with pytest.raises(UserError, match="did you mean 'meta3'"):
        select("mata3", zoo)


def test_own_models_can_build_on_published_ones(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(
        '[audio]\nbig = { base = "audio10", width = 2048 }\nkid = { teacher = "big" }\n'
    )
    zoo = load_zoo(path)
    assert (zoo["big"].trunk, zoo["big"].width) == ("residual", 2048)
    assert zoo["kid"].needs == ("big",)
    assert list(zoo)[: len(load_zoo())] == list(load_zoo())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[audio]\na = { }\nb = { tunk = 'plain' }", "line 3: b: unknown setting 'tunk'; did you"),
        ("[audio]\na = { width = 'big' }", "line 2: a: width is 'big'; it must be whole number"),
        ("[audio]\na = { dropout = 2.0 }", "line 2: a: dropout is 2.0"),
        ("[audio]\na = { base = 'audio99' }", "line 2: a: base 'audio99' is no model"),
        ("[audio]\na = { base = 'meta1' }", "is of the family meta"),
        ("[audio]\na = { teacher = 'nobody' }", "line 2: a needs 'nobody'"),
        ("[audio]\na = { teacher = 'b' }\nb = { teacher = 'a' }", "in a circle"),
        ("[audio]\naudio1 = { }", "line 2: audio1: this name is taken"),
        ("[meta]\na = { without = 'wind' }", "without is 'wind'; it can be date, time"),
        ("[birds]\na = { }", "'birds' is no family"),
        ("[audio\n", "is no TOML"),
    ],
)
def test_a_fault_in_a_zoo_file_is_named_with_its_line(tmp_path, text, complaint):
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(UserError, match="my.toml") as caught:
        load_zoo(path)
    assert complaint in str(caught.value)


def test_profile_and_settings_change_a_recipe():
    zoo = load_zoo()
    recipe = configure(
        zoo["audio1"], "demo", "epochs=7 channels=[8,16] background=true trunk=plain"
    )
    assert recipe.excerpt_max < zoo["audio1"].excerpt_max
    assert (recipe.epochs, recipe.channels, recipe.background) == (7, (8, 16), True)
    assert configure(zoo["audio1"]) == zoo["audio1"]


@pytest.mark.parametrize(
    ("profile", "settings", "complaint"),
    [
        ("tiny", "", "unknown profile 'tiny'"),
        ("", "epoch=3", "did you mean 'epochs'"),
        ("", "epochs", "not of the form"),
        ("", "epochs=many", "must be whole number"),
        ("", "epochs=0", "at least 1"),
        ("", "trunk=vgg", "it can be plain, residual"),
        ("", "excerpt_min=40", "above excerpt_max"),
    ],
)
def test_impossible_settings_are_refused(profile, settings, complaint):
    with pytest.raises(UserError, match=complaint):
        configure(load_zoo()["audio1"], profile, settings)
