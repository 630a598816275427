"""The settings of a family are those that it reads, and each is checked by what it can be."""

import pytest

from birdml.errors import UserError
from birdml.networks.build import BUILDERS
from birdml.zoo.load import configure, load_zoo
from birdml.zoo.recipe import FAMILIES, changed, saved_recipe
from tests.recipes import small_recipe


def settings(family):
    return set(FAMILIES[family].setting_names())


def test_each_family_has_what_it_reads():
    assert {"mel_bands", "mixup", "first_parameter_rate"} <= settings("audio")
    assert {"hidden", "date_phases", "first_parameter_rate"} <= settings("meta")
    assert not {"hidden", "metadata_weight", "degree"} & settings("audio")
    assert not {"mel_bands", "metadata_weight", "degree"} & settings("meta")
    assert not {"patience", "first_parameter_rate", "hidden"} & settings("place")
    assert {"mel_bands", "hidden", "metadata_weight"} <= settings("combined")
    assert {"mel_bands", "degree", "metadata_weight"} <= settings("combined_place")
    assert set(FAMILIES) == set(BUILDERS)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_saved_is_read_again(family):
    recipe = small_recipe("mine", family)
    assert saved_recipe("mine", recipe.settings()) == recipe


def test_a_binary_loss_shows_what_it_does_not_count():
    plain, binary = (small_recipe("a", "audio", loss=x) for x in ("cross_entropy", "binary"))
    assert "ignored_top" not in plain.settings_in_use()
    assert binary.settings_in_use() == binary.settings()


def test_recipes_from_when_all_families_had_all_settings_can_be_read():
    old = {"family": "meta", "hidden": [4, 4], "mel_bands": 80, "metadata_weight": 0.33}
    assert saved_recipe("m", old) == small_recipe("m", "meta", hidden=(4, 4))
    with pytest.raises(ValueError, match="no setting 'wings'"):
        saved_recipe("m", old | {"wings": 2})
    with pytest.raises(ValueError, match="family 'fish'"):
        saved_recipe("m", {"family": "fish"})


@pytest.mark.parametrize(
    ("family", "values", "complaint"),
    [
        ("audio", {"width": True}, "width is True; it must be whole number"),
        ("audio", {"mel_bands": 0}, "mel_bands is 0; it must be at least 1"),
        ("audio", {"dropout": 1.0}, "dropout is 1.0; it must be below 1"),
        ("audio", {"excerpt_min": 0.0}, "excerpt_min is 0.0; it must be above 0"),
        ("audio", {"mixup": float("nan")}, "mixup is nan; it must be a finite number"),
        ("audio", {"pooling": "lme0"}, "pooling is 'lme0'; it can be lme1, att16"),
        ("audio", {"channels": [4]}, "channels"),
        ("audio", {"background": 1}, "background is 1; it must be true or false"),
        ("audio", {"epochs": 1 << 63}, "epochs has more than 64 bits"),
        ("audio", {"dilated": True, "trunk": "plain"}, "dilated is for residual units"),
        ("meta", {"fields": ["date", "date"]}, "each once"),
        ("meta", {"fields": []}, "each once"),
        ("meta", {"hidden": []}, "hidden is ()"),
        ("meta", {"loss": "step_attention"}, "is for audio models"),
        ("place", {"features": ["wind"]}, "one or more of"),
        ("place", {"blur": [1.0]}, "blur"),
        ("place", {"degree": 31}, "degree is 31"),
        ("place", {"patience": 3}, "patience"),
        ("kernel", {"kernels": 0}, "at least 1"),
        ("place_kernel", {"start_from": ["a"]}, "start_from is a place and a kernel model"),
    ],
)
def test_a_value_that_cannot_be_is_told_in_one_line(family, values, complaint):
    with pytest.raises(ValueError) as caught:
        changed(small_recipe("x", family), values)
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("place3", "blur=[0.0,0.0,0.0,0.0,0.0]"),
        ("place1", "patience=3"),
        ("place2", "teacher=place1"),
        ("meta1", "degree=3"),
    ],
)
def test_a_setting_of_another_family_is_refused(name, setting):
    with pytest.raises(UserError, match="is nothing that"):
        configure(load_zoo()[name], "", setting)
