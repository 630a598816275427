"""What an ensemble is searched over: registered models of a dataset and their validation logits."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from birdml.dataset.prepared import Dataset
from birdml.ensemble.objective import Objective, stack
from birdml.errors import UserError
from birdml.tracking import runs
from birdml.tracking.arrays import load_predictions
from birdml.tracking.runs import TrackedModel

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Material:
    """The models of an ensemble to be, and what they answered for the validation recordings."""

    dataset: Dataset
    models: list[TrackedModel]
    objective: Objective
    files: list[str]


def chosen_models(client: "MlflowClient", dataset: Dataset, asked: str) -> list[TrackedModel]:
    """The registered models that are meant: `all`, families, names, patterns, with commas.

    Raises UserError where there are none, and names those that belong to another dataset.
    """
    there = runs.finished_models(client, dataset.digest)
    chosen: set[str] = set()
    unknown = []
    for word in (word.strip() for word in asked.split(",") if word.strip()):
        found = {m.name for m in there if word in ("all", m.family) or fnmatch(m.name, word)}
        chosen |= found
        if not found:
            unknown.append(word)
    if unknown and there:
        raise UserError(
            f"no registered model of '{dataset.name}' is {_with_reasons(client, unknown)}; "
            f"there are {', '.join(m.name for m in there)}"
        )
    if not chosen:
        raise UserError(
            f"no registered models of the dataset '{dataset.name}'"
            f"{f' ({_with_reasons(client, unknown)})' if unknown and asked != 'all' else ''}: "
            "train some first (-e train -P model=...)"
        )
    return [model for model in there if model.name in chosen]


def _with_reasons(client: "MlflowClient", words: Sequence[str]) -> str:
    """The words, each with the dataset that it was trained on where it is another one."""
    said = []
    for word in words:
        found = runs.search(client, f"tags.`birdml.model` = '{word.replace(chr(39), '')}'")
        others = {run.data.tags.get("birdml.dataset", "another dataset") for run in found}
        said.append(f"{word} (trained on {', '.join(sorted(others))})" if others else word)
    return ", ".join(said)


def load_material(client: "MlflowClient", dataset: Dataset, models: list[TrackedModel]) -> Material:
    """Reads the validation logits of all models, in the dataset's order.

    Raises UserError that lists every model whose logits are missing or do not fit.
    """
    recordings = dataset.split("valid")
    if not recordings:
        raise UserError(f"the dataset '{dataset.name}' has no validation recordings")
    files = [recording.file for recording in recordings]
    problems = []

    def arrays():
        for model in tqdm(models, desc="reading predictions", disable=None, leave=False):
            try:
                yield _logits(client, model, files, len(dataset.classes))
            except UserError as error:
                problems.append(str(error))
                yield np.zeros((len(files), len(dataset.classes)), np.float32)

    logits = stack(arrays(), len(models))
    if problems:
        raise UserError("; ".join(problems))
    objective = Objective.of_all(
        logits, dataset.foreground(recordings), dataset.present(recordings)
    )
    return Material(dataset, models, objective, files)


def _logits(
    client: "MlflowClient", model: TrackedModel, files: list[str], classes: int
) -> np.ndarray:
    predictions = load_predictions(client, model.run_id, "valid")
    if predictions is None:
        raise UserError(
            f"{model.name} has no predictions for valid: make them with predict, model={model.name}"
        )
    logits = predictions.logits
    if logits.ndim != 2 or logits.shape[1] != classes:
        raise UserError(
            f"{model.name} has another label set: {logits.shape[-1]} species, not {classes}"
        )
    if predictions.files != files:
        row_of = {name: row for row, name in enumerate(predictions.files)}
        if not all(file in row_of for file in files):
            raise UserError(f"{model.name} has predictions of other recordings: predict again")
        logits = logits[[row_of[file] for file in files]]
    if not np.isfinite(logits).all():
        raise UserError(f"{model.name} has predictions that are no numbers: train it again")
    return logits
