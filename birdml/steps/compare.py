"""`compare`: every finished model of a dataset side by side, as one page and one table."""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np
from tqdm import tqdm

from birdml.comparison.page import page
from birdml.comparison.report import Compared, compare
from birdml.comparison.statistics import answers
from birdml.comparison.table import table
from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.errors import UserError
from birdml.tracking import runs, store
from birdml.tracking.arrays import load_predictions
from birdml.tracking.runs import TrackedModel
from birdml.zoo.recipe import Recipe

if TYPE_CHECKING:
    from mlflow import MlflowClient


def recipe_of(model: TrackedModel) -> Recipe:
    """The recipe that a run was trained by, from its params `cfg.<field>`.

    A field that the run does not name (its family does not read it) has its default. Raises
    ValueError for a value that cannot be.
    """
    values: dict[str, Any] = {}
    for field, kind in get_type_hints(Recipe).items():
        text = model.params.get(f"cfg.{field}")
        if text is not None:
            value = text if kind is str else ast.literal_eval(text)
            values[field] = tuple(value) if isinstance(value, list) else value
    values |= {"name": model.name, "family": model.family}
    return Recipe(**values)


def run(dataset_folder: str, models: str, out: str) -> Path:
    """Compares; prints the table, writes the page, returns its path.

    `models` is `all` or names with commas. Raises UserError for models that have not finished on
    this dataset, and where nothing can be compared.
    """
    dataset = open_dataset(dataset_folder)
    path = Path(out)
    if path.is_dir():
        raise UserError(f"'{out}' is a folder; out names the HTML file, such as compare.html")
    client = store.connect()
    compared, problems = collect(client, dataset, models)
    for problem in problems:
        tqdm.write(f"left out: {problem}", file=sys.stderr)
    report = compare(dataset.name, len(dataset.classes), compared)
    print(table(report))
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(page(report), encoding="utf-8")
    beside.rename(path)
    print(f"\npage: {path}")
    return path


def _wanted(client: MlflowClient, dataset: Dataset, models: str) -> list[TrackedModel]:
    there = [*runs.finished_models(client, dataset.digest), *_ensembles(client, dataset.digest)]
    if models == "all":
        return there
    names = [name.strip() for name in models.split(",") if name.strip()]
    missing = [name for name in names if name not in {model.name for model in there}]
    if missing:
        known = ", ".join(model.name for model in there) or "none"
        raise UserError(
            f"no finished run of {', '.join(missing)} on the dataset '{dataset.name}'; "
            f"there are: {known}"
        )
    return [model for model in there if model.name in names]


def _ensembles(client: MlflowClient, digest: str) -> list[TrackedModel]:
    """The newest finished ensemble of each name."""
    found = runs.search(
        client,
        f"tags.`birdml.dataset_digest` = '{digest}' and tags.`birdml.family` = 'ensemble' "
        "and attributes.status = 'FINISHED'",
    )
    newest: dict[str, TrackedModel] = {}
    for one in found:
        newest.setdefault(one.data.tags["birdml.model"], runs.tracked(one))
    return list(newest.values())


def collect(
    client: MlflowClient, dataset: Dataset, models: str
) -> tuple[list[Compared], list[str]]:
    """What each model answered for the validation recordings, and which had to be left out, why."""
    recordings = dataset.split("valid")
    files = [recording.file for recording in recordings]
    foreground, present = dataset.foreground(recordings), dataset.present(recordings)
    compared, problems = [], []
    wanted = _wanted(client, dataset, models)
    for model in tqdm(wanted, desc="reading predictions", disable=None, leave=False):
        predictions = load_predictions(client, model.run_id, "valid")
        if predictions is None:
            problems.append(f"{model.name}: its run {model.run_id} has no predictions for valid")
            continue
        logits = _in_order(predictions.files, predictions.logits, files)
        if logits is None or logits.shape[1] != len(dataset.classes):
            problems.append(f"{model.name}: its predictions are not for these recordings")
            continue
        ensemble = model.family == "ensemble"
        compared.append(
            Compared(
                name=model.name,
                family=model.family,
                answers=answers(logits, foreground, present),
                recipe=None if ensemble else recipe_of(model),
                members=_members(client, model) if ensemble else (),
                honest=_honest(model.metrics),
                minutes=model.metrics.get("cost/minutes"),
                device=model.tags.get("birdml.device", ""),
            )
        )
    return compared, problems


def _in_order(names: list[str], logits: np.ndarray, files: list[str]) -> np.ndarray | None:
    """Rows of logits [N, C] in the order of the dataset's files; None where one is missing."""
    if names == files:
        return logits
    row_of = {name: row for row, name in enumerate(names)}
    if not all(file in row_of for file in files):
        return None
    return logits[[row_of[file] for file in files]]


def _honest(metrics: dict[str, float]) -> tuple[float, float] | None:
    if "crossfit/map" not in metrics:
        return None
    return metrics["crossfit/map"], metrics["crossfit/map_bg"]


def _members(client: MlflowClient, model: TrackedModel) -> tuple[tuple[str, float], ...]:
    """Names and weights of an ensemble's members, from the version that its run registered."""
    for version in client.search_model_versions(f"run_id = '{model.run_id}'"):
        lineage = version.tags.get("birdml.members", "")
        found = re.findall(r"(\S+)(?: version \S+)? x ([^\s,]+)", lineage)
        return tuple((name, float(weight)) for name, weight in found)
    return ()
