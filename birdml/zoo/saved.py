"""A trained model on disk: `model.json` and `weights.safetensors`, nothing that needs MLflow.

The folder is written beside its place and renamed: where it exists, it is whole.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from birdml.dataset.recording import Species
from birdml.errors import UserError
from birdml.zoo.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class SavedModel:
    """A network, what it was made from, and the species that its logits stand for."""

    recipe: Recipe
    network: "nn.Module"
    species: tuple[Species, ...]
    dataset_name: str
    dataset_digest: str
    identity: str

    @property
    def name(self) -> str:
        return self.recipe.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Class ids in label order (C)."""
        return tuple(s.class_id for s in self.species)


def save_model(folder: str | Path, model: SavedModel) -> None:
    """Writes a model; an older one of that folder is replaced."""
    from safetensors.torch import save_file

    folder = Path(folder)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    about = {
        "name": model.name,
        "recipe": model.recipe.settings(),
        "species": [[s.class_id, s.latin_name, list(s.editions)] for s in model.species],
        "dataset_name": model.dataset_name,
        "dataset_digest": model.dataset_digest,
        "identity": model.identity,
    }
    (beside / "model.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n")
    weights = {k: v.detach().cpu().contiguous() for k, v in model.network.state_dict().items()}
    save_file(weights, beside / "weights.safetensors")
    if folder.exists():
        shutil.rmtree(folder)
    beside.rename(folder)


def read_about(folder: str | Path) -> dict[str, Any]:
    """The content of a model's `model.json`; UserError where there is none."""
    try:
        return json.loads((Path(folder) / "model.json").read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"no saved model at '{folder}': {error}") from None


def load_model(folder: str | Path, device: str = "cpu") -> SavedModel:
    """Reads a model, its network in evaluation mode. Raises UserError where there is none."""
    from safetensors.torch import load_file

    from birdml.networks.build import build_network

    about = read_about(folder)
    settings: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in about["recipe"].items()
    }
    recipe = Recipe(name=about["name"], **settings)
    species = tuple(Species(i, latin, tuple(years)) for i, latin, years in about["species"])
    network = build_network(recipe, len(species))
    network.load_state_dict(load_file(Path(folder) / "weights.safetensors"))
    return SavedModel(
        recipe=recipe,
        network=network.to(device).eval(),
        species=species,
        dataset_name=about["dataset_name"],
        dataset_digest=about["dataset_digest"],
        identity=about["identity"],
    )
