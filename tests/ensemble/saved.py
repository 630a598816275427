"""Small saved models of each family, trained on nothing, and combinations of them."""

from pathlib import Path

import torch

from birdml.dataset.recording import Species
from birdml.ensemble.combination import Member, save_combination
from birdml.networks.build import build_network
from birdml.zoo.saved import SavedModel, save_model
from tests.recipes import small_recipe

SPECIES = tuple(Species(f"c{label}", f"Avis {label}") for label in range(7))


def saved_model(
    folder: Path, family: str, digest: str = "d1", species: tuple[Species, ...] = SPECIES
) -> Path:
    """A model in a folder of its family's name."""
    torch.manual_seed(len(family))
    recipe = small_recipe(family, family)
    network = build_network(recipe, len(species)).eval()
    save_model(folder / family, SavedModel(recipe, network, species, "made-up", digest, "i"))
    return folder / family


def combination(folder: Path, weights: dict[str, float], name: str = "birdml-ensemble") -> Path:
    """A combination of families, each with a weight."""
    models = [saved_model(folder / "models", family) for family in weights]
    members = [Member(family, weight, "3", "run") for family, weight in weights.items()]
    save_combination(folder / "combination", name, members, models)
    return folder / "combination"
