"""What a training is, by what was asked: the same request has the same identity anywhere."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from birdml.encoders.entries import find_encoder
from birdml.zoo.parts import Embedded
from birdml.zoo.recipe import Recipe

PLACES = ("encoders", "synonyms", "noise_folder")  # files, which count by what they hold


def identities(
    recipes: Mapping[str, Recipe], dataset_digest: str, seed: int, device: str = "cpu"
) -> dict[str, str]:
    """Identity of each recipe: a hash of what it says, the dataset, the seed and of its needs.

    Of the settings that its family reads, those count that differ from the defaults: an option that
    is added, and off, is no other request. `results` counts when those of a family change, and
    the precision where it is not that of a CPU. `recipes` holds the needs too. The name is no part
    of what is computed, but it is of what is asked: `meta3` and `meta9` have the same settings and
    are two models.
    """
    found: dict[str, str] = {}

    def identity(name: str) -> str:
        if name not in found:
            recipe = recipes[name]
            asked = {
                "name": name,
                "family": [recipe.family, recipe.results],
                "settings": _settings(recipe),
                "dataset": dataset_digest,
                "seed": seed,
                "needs": {need: identity(need) for need in recipe.needs},
            }
            if (used := recipe.precision(device)) != "float32":
                asked["precision"] = used
            if isinstance(recipe, Embedded):
                asked["head"] = _contents(recipe)
            text = json.dumps(asked, sort_keys=True)
            found[name] = hashlib.sha256(text.encode()).hexdigest()[:16]
        return found[name]

    for name in recipes:
        identity(name)
    return found


def _settings(recipe: Recipe) -> dict:
    """What a recipe says beyond the defaults; saved predictions count by their content, wherever
    they lie."""
    defaults = recipe.defaults()
    settings = {
        key: value
        for key, value in recipe.settings_in_use().items()
        if key not in ("family", *PLACES) and value != defaults[key]
    }
    folder = settings.get("pseudo_labels")
    if folder:
        content = hashlib.sha256()
        for path in sorted(Path(folder).glob("*")):
            if path.is_file():
                content.update(path.name.encode())
                content.update(hashlib.sha256(path.read_bytes()).digest())
        settings["pseudo_labels"] = content.hexdigest()
    return settings


def _contents(recipe: Embedded) -> dict[str, str]:
    """What the files that a head is made from hold, wherever they lie."""
    encoder = find_encoder(recipe.encoder, recipe.encoders)
    found = {"encoder": encoder.sha256}
    if recipe.synonyms and Path(recipe.synonyms).is_file():
        content = Path(recipe.synonyms).read_bytes()
        found["synonyms"] = hashlib.sha256(content).hexdigest()
    if recipe.noise_folder:
        names = sorted(p for p in Path(recipe.noise_folder).rglob("*") if p.is_file())
        told = json.dumps(
            [[str(p.relative_to(recipe.noise_folder)), p.stat().st_size] for p in names]
        )
        found["noise"] = hashlib.sha256(told.encode()).hexdigest()
    return found


def model_seed(seed: int, name: str) -> int:
    """The seed of one model's training: twins such as `meta3` and `meta9` are two trainings."""
    return int(hashlib.sha256(f"{seed} {name}".encode()).hexdigest()[:12], 16)
