"""What an ensemble is searched over: registered models of a dataset and their validation logits."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from birdml.dataset.prepared import Dataset
from birdml.ensemble.objective import Objective, stack
from birdml.errors import UserError
from birdml.steps.combined import combined_predictions
from birdml.tracking import registry
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
                yield _logits(client, dataset, model, files)
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
    client: "MlflowClient", dataset: Dataset, model: TrackedModel, files: list[str]
) -> np.ndarray:
    classes = len(dataset.classes)
    try:
        predictions = load_predictions(client, model.run_id, "valid")
    except UserError:  # damaged: said, and predicted anew, by what reads it again
        uri = f"models:/birdml-{model.name}/{model.model_version}"
        folder = registry.load_registered(client, uri)
        predictions = combined_predictions(client, folder, dataset, "valid")
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
