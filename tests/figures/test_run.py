"""All figures of a model: which there are, by what it takes."""

import io
from pathlib import Path

import numpy as np
import pytest

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import FIELDS, Recording, Species
from birdml.figures.run import run_figures
from birdml.networks.build import build_network
from birdml.zoo.recipe import AudioRecipe, CombinedRecipe, MetaRecipe, Recipe
from birdml.zoo.saved import SavedModel

SMALL = {"channels": (2, 2), "width": 4, "mel_bands": 40}
SPECIES = tuple(Species(f"id{i}", f"Avis {i}") for i in range(6))
ALWAYS = {"score_per_species", "confused_pairs"}
HISTORY = [
    {
        "epoch": 1,
        "train_loss": 2.0,
        "valid_loss": 2.1,
        "valid_map": 0.3,
        "learning_rate": 1e-3,
        "trial": 0,
    }
]


def made_up_dataset(placed: bool = True) -> Dataset:
    rng = np.random.default_rng(1)
    recordings = tuple(
        Recording(
            file=f"{i}.wav",
            split="valid" if i % 4 == 0 else "train",
            species=SPECIES[i % 6].class_id if i else "unheard of",
            date="2016-05-07" if i % 3 else "",
            time=f"{i % 24:02d}:10",
            latitude=float(rng.uniform(-9, 9)) if placed else None,
            longitude=float(rng.uniform(-70, -50)) if placed else None,
        )
        for i in range(80)
    )
    return Dataset(Path("nowhere"), "made up", "0" * 64, SPECIES, recordings)


def figures_of(recipe: Recipe, dataset: Dataset, history: list[dict]) -> set[str]:
    network = build_network(recipe, len(SPECIES)).eval()
    model = SavedModel(recipe, network, SPECIES, dataset.name, dataset.digest, "identity")
    logits = np.random.default_rng(2).normal(size=(len(dataset.split("valid")), 6))
    figures = run_figures(model, dataset, logits.astype(np.float32), history)
    for figure in figures.values():
        figure.savefig(io.BytesIO())
    return set(figures)


def test_a_metadata_model_has_a_map_and_seasons():
    found = figures_of(MetaRecipe("m"), made_up_dataset(), HISTORY)
    assert found == ALWAYS | {"training_curves", "map_of_species", "season_by_hour"}


@pytest.mark.parametrize(
    "without, missing",
    [({"latitude", "longitude"}, "map_of_species"), ({"date", "time"}, "season_by_hour")],
)
def test_what_a_model_does_not_know_is_not_drawn(without, missing):
    fields = tuple(field for field in FIELDS if field not in without)
    found = figures_of(MetaRecipe("m", fields=fields), made_up_dataset(), HISTORY)
    assert {"map_of_species", "season_by_hour"} - found == {missing}


def test_a_dataset_without_places_has_no_map():
    found = figures_of(MetaRecipe("m"), made_up_dataset(placed=False), HISTORY)
    assert "map_of_species" not in found and "season_by_hour" in found


def test_an_audio_model_shows_its_frontend_and_without_history_no_curves():
    assert figures_of(AudioRecipe("a", **SMALL), made_up_dataset(), []) == ALWAYS | {"frontend"}


def test_learned_mel_bands_are_shown():
    recipe = AudioRecipe("a", filterbank="mel_learn", magnitude="log", **SMALL)
    assert figures_of(recipe, made_up_dataset(), []) == ALWAYS | {"frontend", "mel_bands"}


def test_a_combined_model_shows_its_frontend():
    recipe = CombinedRecipe("c", start_from=("a", "m"), **SMALL)
    assert figures_of(recipe, made_up_dataset(), []) == ALWAYS | {"frontend"}
