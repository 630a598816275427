"""`compare`: every finished model of a dataset side by side, as one page and one table."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from birdml.comparison.page import page
from birdml.comparison.place import Alone
from birdml.comparison.report import Compared, compare
from birdml.comparison.statistics import answers
from birdml.comparison.table import table
from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import Recording
from birdml.errors import UserError
from birdml.figures.style import species_names
from birdml.tracking import champions, store
from birdml.tracking.arrays import load_predictions
from birdml.tracking.runs import TrackedModel
from birdml.zoo.parts import Hearing, Metadata
from birdml.zoo.recipe import FAMILIES, Recipe, saved_recipe

ROUNDING = 0.01  # of the recordings: ranks that differ by the last digits of a sum
OVER = {"recording": "recordings", "recordist": "recordists", "site": "sites"}

if TYPE_CHECKING:
    from birdml.tracking.client import Store


def recipe_of(model: TrackedModel) -> Recipe:
    """The recipe that a run was trained by, from its params `cfg.<field>`.

    A setting that the run does not name has its default. Raises ValueError for a value that cannot
    be.
    """
    kind = FAMILIES.get(model.family)
    defaults = kind.defaults() if kind else {}
    values: dict[str, Any] = {}
    for key, text in model.params.items():
        setting = key.removeprefix("cfg.")
        if setting != key and setting in defaults:
            value = text if isinstance(defaults[setting], str) else ast.literal_eval(text)
            values[setting] = value
    return saved_recipe(model.name, values | {"family": model.family})


def unit_name(recording: Recording, over: str) -> str:
    """The recordist, or the site (0.01 degrees), of a recording; '' where it is not known."""
    if over == "recordist":
        return recording.recordist
    if recording.latitude is None or recording.longitude is None:
        return ""
    return f"{recording.latitude:.2f} {recording.longitude:.2f}"


def unit_of(dataset: Dataset, over: str) -> np.ndarray | None:
    """A number for each of N validation recordings, the same for those that are drawn together.

    None for `recording`. Raises UserError for an unknown word, and where the dataset names fewer
    than two recordists or sites.
    """
    if over not in OVER:
        raise UserError(f"over='{over}'; it can be {', '.join(OVER)}")
    if over == "recording":
        return None
    recordings = dataset.split("valid")
    names = [unit_name(r, over) for r in recordings]
    if len(set(filter(None, names))) < 2:
        raise UserError(
            f"over={over}: the validation recordings of '{dataset.name}' name fewer than two "
            f"{OVER[over]}: use over=recording, or prepare it from a source that names them"
        )
    own = [name or f"/{r.file}" for name, r in zip(names, recordings)]
    return np.unique(own, return_inverse=True)[1]


def run(dataset_folder: str, models: str, out: str, over: str = "recording") -> Path:
    """Compares; prints the table, writes the page, returns its path.

    `models` is `all` or names with commas; intervals are `over` recordings, recordists or sites
    (places of 0.01 degrees). Raises UserError for models that have not finished on
    this dataset, and where nothing can be compared.
    """
    dataset = open_dataset(dataset_folder)
    path = Path(out)
    if path.is_dir():
        raise UserError(f"'{out}' is a folder; out names the HTML file, such as compare.html")
    groups = unit_of(dataset, over)
    client = store.connect()
    compared, problems = collect(client, dataset, models)
    for problem in problems:
        tqdm.write(f"left out: {problem}", file=sys.stderr)
    stands_for = str(dataset.made.get("valid_stands_for", ""))
    words = OVER[over]
    report = compare(
        dataset.name,
        len(dataset.classes),
        with_alone(client, dataset, compared),
        words,
        groups,
        stands_for=stands_for,
        foreground=dataset.foreground(dataset.split("valid")),
        species=species_names(dataset.species),
    )
    print(table(report))
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(page(report), encoding="utf-8")
    beside.rename(path)
    print(f"\npage: {path.resolve()}")
    return path


def collect(client: Store, dataset: Dataset, models: str) -> tuple[list[Compared], list[str]]:
    """What each model answered for the validation recordings, and which had to be left out, why."""
    recordings = dataset.split("valid")
    files = [recording.file for recording in recordings]
    foreground, present = dataset.foreground(recordings), dataset.present(recordings)
    compared, problems = [], []
    wanted = champions.meant(client, dataset, models, ensembles=True)
    for model in tqdm(wanted, desc="reading predictions", disable=None, leave=False):
        try:
            predictions = load_predictions(client, model.run_id, "valid")
        except UserError as error:
            problems.append(f"{model.name}: {error}")
            continue
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
                crossfit=_crossfit(model.metrics),
                minutes=model.metrics.get("cost/minutes"),
                device=model.tags.get("birdml.device", ""),
            )
        )
    return compared, problems


def with_alone(client: Store, dataset: Dataset, compared: Sequence[Compared]) -> list[Compared]:
    """The models, each with what it answers without date, time and place, where that is known.

    Of a combined model that is the audio model that it started from, of an ensemble its members
    that are told nothing, the others left out; both only where these are compared too.
    """
    by_name = {model.name: model for model in compared}
    result = []
    for model in compared:
        alone = None
        if isinstance(model.recipe, Hearing) and isinstance(model.recipe, Metadata):
            start = by_name.get(getattr(model.recipe, "start_from", ("",))[0])
            alone = None if start is None else Alone(start.answers, start.name)
        elif model.family == "ensemble":
            alone = _members_alone(client, dataset, model, by_name)
        result.append(replace(model, alone=alone))
    return result


def _members_alone(
    client: Store, dataset: Dataset, model: Compared, by_name: Mapping[str, Compared]
) -> Alone | None:
    """Of an ensemble, the members that are told nothing of date, time and place.

    None where it has no others, or its members are not the champions that are compared.
    """
    used = {name: weight for name, weight in model.members if weight > 0}
    heard = {
        name: weight
        for name, weight in used.items()
        if name in by_name and not isinstance(by_name[name].recipe, Metadata)
    }
    if not heard or not set(used) <= set(by_name) or len(heard) == len(used):
        return None
    recordings = dataset.split("valid")
    files = [recording.file for recording in recordings]
    foreground, present = dataset.foreground(recordings), dataset.present(recordings)
    total: np.ndarray = np.zeros((len(files), len(dataset.classes)))
    whole = total.copy()
    for one in champions.meant(client, dataset, ",".join(used)):
        predictions = load_predictions(client, one.run_id, "valid")
        logits = predictions and _in_order(predictions.files, predictions.logits, files)
        if logits is None:
            return None
        share = used[one.name] * np.asarray(logits, np.float64)
        whole += share
        if one.name in heard:
            total += share
    if (answers(whole, foreground, present).rank != model.answers.rank).mean() > ROUNDING:
        return None  # a member has been trained again since
    found = answers(total, foreground, present)
    return Alone(found, f"{len(heard)} of its members" if len(heard) > 1 else next(iter(heard)))


def _in_order(names: list[str], logits: np.ndarray, files: list[str]) -> np.ndarray | None:
    """Rows of logits [N, C] in the order of the dataset's files; None where one is missing."""
    if names == files:
        return logits
    row_of = {name: row for row, name in enumerate(names)}
    if not all(file in row_of for file in files):
        return None
    return logits[[row_of[file] for file in files]]


def _crossfit(metrics: dict[str, float]) -> tuple[float, float] | None:
    if "crossfit/map" not in metrics:
        return None
    return metrics["crossfit/map"], metrics["crossfit/map_bg"]


def _members(client: Store, model: TrackedModel) -> tuple[tuple[str, float], ...]:
    """Names and weights of an ensemble's members, from the version that its run registered."""
    for version in client.versions_of(model.run_id):
        lineage = version.tags.get("birdml.members", "")
        found = re.findall(r"(\S+)(?: version \S+)? x ([^\s,]+)", lineage)
        return tuple((name, float(weight)) for name, weight in found)
    return ()
