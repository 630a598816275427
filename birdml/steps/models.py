"""`models`: what is in the registry, its card, and a model as a folder."""

import shutil
from pathlib import Path

from birdml.ensemble.card import FILE as CARD
from birdml.ensemble.combination import load_combination
from birdml.errors import UserError
from birdml.files import writing_folder
from birdml.screen import table_text
from birdml.tracking import registry, store

COLUMNS = ("map", "map_bg", "birdml.dataset")


def listing() -> str:
    """A line per registered model: name, champion's version, its figures and dataset.

    Without a champion, the version is `-`.
    """
    client = store.connect()
    rows = []
    for name in registry.names(client):
        tags = client.get_registered_model(name).tags
        figures = (tags.get(key, "-") for key in COLUMNS)
        rows.append((name, registry.holder(client, name) or "-", *figures))
    if not rows:
        return "the registry is empty: train and ensemble register models"
    return table_text(("model", "champion", "map", "map_bg", "dataset"), rows, "<>>><")


def card(name: str) -> str:
    """The description of a version, as Markdown.

    Raises UserError where the registry has no such version.
    """
    version = registry.resolve(store.connect(), name)
    about = version.description or "Nothing is written about it."
    return f"# {version.name}, version {version.version}\n\n{about.strip()}"


def export(name: str, out: str = "", form: str = "files") -> Path:
    """Copies the files of a version into a new folder, which `predict` takes as `model`.

    With `form` "onnx" the folder holds what `ensemble.onnx_export` writes instead.

    Args:
        name: as `registry.resolve` reads it.
        out: the folder to make; NAME-VERSION in the current one by default.

    Raises UserError where there is no such version, or the folder is there already.
    """
    client = store.connect()
    version = registry.resolve(client, name)
    onnx = "-onnx" if form == "onnx" else ""
    folder = Path(out or f"{version.name}-{version.version}{onnx}")
    if folder.exists():
        raise UserError(f"'{folder}' is there already: name another folder with --out")
    found = registry.load_registered(client, f"models:/{version.name}/{version.version}")
    if onnx:
        from birdml.ensemble.onnx_export import export_onnx

        combination = load_combination(found)
        with writing_folder(folder) as beside:
            export_onnx(combination, Path(found), beside)
        return folder
    with writing_folder(folder) as beside:
        shutil.copytree(found, beside, dirs_exist_ok=True)
        if not (beside / CARD).exists():  # registered before cards were files
            (beside / CARD).write_text(card(name) + "\n", encoding="utf-8")
    return folder
