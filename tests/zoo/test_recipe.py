"""The settings that a model reads, which are those that people see."""

import torch

from birdml.networks.build import build_network
from birdml.zoo.recipe import METADATA_ONLY, SAMPLES_ONLY, Recipe


def test_each_family_shows_what_it_reads():
    audio = Recipe("a").settings_in_use()
    meta = Recipe("m", "meta").settings_in_use()
    combined = Recipe("c", "combined", start_from=("a", "m"), loss="binary")
    assert not set(METADATA_ONLY.split()) & set(audio) and audio["mel_bands"] == 80
    assert not set(SAMPLES_ONLY.split()) & set(meta) and meta["hidden"] == [256, 512]
    assert "metadata_weight" not in {*audio, *meta} and "ignored_top" not in {*audio, *meta}
    assert combined.settings_in_use() == combined.settings()


def test_the_first_parameter_of_every_family_has_its_rate():
    for recipe in (Recipe("a"), Recipe("m", "meta")):
        assert "first_parameter_rate" in recipe.settings_in_use()


def test_what_is_not_shown_changes_no_network():
    def weights(recipe):
        torch.manual_seed(1)
        return build_network(recipe, 3).state_dict()

    meta = Recipe("m", "meta", hidden=(4, 4))
    other = Recipe("m", "meta", hidden=(4, 4), width=8, mel_bands=20, pooling="max", dropout=0.1)
    assert meta.settings_in_use() == other.settings_in_use() and meta.settings() != other.settings()
    for one, another in zip(weights(meta).values(), weights(other).values(), strict=True):
        assert torch.equal(one, another)
