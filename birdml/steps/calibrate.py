"""`calibrate`: what was registered without a calibration becomes a new version that has one.

Weights and logits stay as they are: nothing is trained, and predicted only what its run has lost.
"""

import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from birdml.calibration.saved import load_calibration, save_calibration
from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.ensemble.card import data_tags, without_card
from birdml.ensemble.registration import log_and_register
from birdml.errors import UserError
from birdml.jobs import calibration
from birdml.steps.combined import (
    combined_predictions,
    logged_predictions,
    predictions_in,
)
from birdml.steps.predict import Target, find_targets
from birdml.tracking import registry, store

if TYPE_CHECKING:
    from birdml.tracking.client import ModelVersion, Store

MADE_ANEW = "birdml.members"  # a tag that registering writes itself


@dataclass(frozen=True)
class CalibrateOptions:
    """What a user asks of `calibrate` (see `calibrate --help`)."""

    model: str
    dataset: str


def calibrate(options: CalibrateOptions) -> None:
    """Registers the models anew, with a calibration, where they have none.

    Prints what became of each. The new version belongs to the run of the old one, which gets the
    figures, and takes over its alias `champion`. Raises UserError for what cannot be, with several
    models after all others are done.
    """
    dataset = open_dataset(options.dataset)
    client = store.connect()
    targets = _targets(client, options.model, dataset)
    faults = []
    for target in targets:
        try:
            print(f"{target.name}: {_calibrate_one(client, target, dataset)}", flush=True)
        except UserError as error:
            if len(targets) == 1:
                raise UserError(f"{target.name} can't be calibrated: {error}") from None
            faults.append(target.name)
            print(f"{target.name}: {error}", flush=True)
    if faults:
        raise UserError(
            f"{len(faults)} of {len(targets)} models could not be calibrated "
            f"({', '.join(faults)}), for the reasons above; the others are done"
        )


def _targets(client: "Store", model: str, dataset: Dataset) -> list[Target]:
    """What `predict` takes, and ensembles by their name in the registry."""
    if model.partition("@")[0] in registry.names(client, ""):
        version = registry.resolve(client, model)
        model = f"models:/{version.name}/{version.version}"
    return find_targets(client, model, dataset)


def _calibrate_one(client: "Store", target: Target, dataset: Dataset) -> str:
    """What became of one model, in words."""
    version = registry.resolve(client, target.uri)
    folder = registry.load_registered(client, target.uri)
    if _is_calibrated(folder, dataset):
        _take_over(client, version, str(version.version))
        return f"version {version.version} is calibrated: nothing to do"
    logged = logged_predictions(client, target.run_id, target.name, dataset, "valid")
    predictions = logged or combined_predictions(client, folder, dataset, "valid")
    predict = partial(predictions_in, client, folder, dataset)
    nothing, windows = calibration.asked_beside(target.name, dataset, predict)
    made = calibration.of_validation(dataset, predictions.logits, nothing, windows)
    calibration.log_calibration(client, target.run_id, target.name, made)
    about = without_card(version.description or "").replace(calibration.UNCALIBRATED.strip(), "")
    tags = {key: value for key, value in version.tags.items() if key != MADE_ANEW}
    if version.tags.get("birdml.dataset_digest") == dataset.digest:
        tags = data_tags(dataset) | tags
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "combination"
        shutil.copytree(folder, copy)
        save_calibration(copy, made.calibration)
        new = log_and_register(
            client,
            target.run_id,
            copy,
            version.name,
            tags,
            f"{about.strip()}\n\n{made.in_words}".strip(),
        )
    _take_over(client, version, new)
    client.set_tag(target.run_id, "birdml.model_version", new)
    metrics = made.metrics
    return (
        f"version {new}, of version {version.version}: log loss "
        f"{metrics['calibration/log_loss_before']:.4f} -> {metrics['calibration/log_loss']:.4f}, "
        f"calibration error {metrics['calibration/ece_before']:.4f} -> "
        f"{metrics['calibration/ece']:.4f} on {made.calibration.fitted_on.count} "
        f"{made.calibration.fitted_on.what}"
    )


def _is_calibrated(folder: Path, dataset: Dataset) -> bool:
    try:
        return load_calibration(folder, dataset.classes) is not None
    except UserError:  # broken: made anew
        return False


def _take_over(client: "Store", old: "ModelVersion", new: str) -> None:
    """Moves the alias `champion` to a version if one of the same run holds it."""
    holder = registry.holder(client, old.name)
    if holder in (None, new):
        return
    if client.get_model_version(old.name, holder).run_id == old.run_id:
        client.set_registered_model_alias(old.name, registry.CHAMPION, new)
