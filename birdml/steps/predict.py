"""`predict` on a prepared dataset: logits of a split into the runs of the models, what is missing.

On audio files never prepared, see `steps.predict_files`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SPLITS
from birdml.errors import UserError
from birdml.machine import pick_device
from birdml.prediction.split import default_windows
from birdml.steps.combined import predictions_in
from birdml.steps.recording_figures import log_best_and_worst
from birdml.tracking import champions, registry, runs, store
from birdml.tracking.arrays import log_predictions, predicted_splits

if TYPE_CHECKING:
    from birdml.tracking.client import Store


@dataclass(frozen=True)
class SplitOptions:
    """What a user asks of `predict` about a dataset (see `predict --help`)."""

    model: str
    dataset: str
    split: str = "valid"
    windows: str = ""
    figures: bool = False
    device: str = "auto"


@dataclass(frozen=True)
class Target:
    """A model to predict with, and the run that its predictions belong to."""

    name: str
    uri: str
    run_id: str


def predict(options: SplitOptions) -> None:
    """Logs the logits of a split into each model's run, where they are not there yet.

    Prints what became of each model. Raises UserError for what cannot be, with several models
    after all others are done.
    """
    if options.split not in SPLITS:
        raise UserError(f"split='{options.split}'; it can be {', '.join(SPLITS)}")
    dataset = open_dataset(options.dataset)
    client = store.connect()
    targets = find_targets(client, options.model, dataset)

    device = pick_device(options.device)
    faults = []
    for target in targets:
        try:
            print(f"{target.name}: {_predict_one(client, target, dataset, options, device)}")
        except UserError as error:
            if len(targets) == 1:
                raise
            faults.append(target.name)
            print(f"{target.name}: {error}")
    if faults:
        raise UserError(
            f"{len(faults)} of {len(targets)} models could not predict '{options.split}' "
            f"({', '.join(faults)}), for the reasons above; the others are done"
        )


def find_targets(client: "Store", model: str, dataset: Dataset) -> list[Target]:
    """The models of a dataset that are meant: a registry URI, or what `champions.meant` takes.

    Raises UserError, with what there is, for one that is not there.
    """
    if model.startswith("models:/"):
        version = registry.resolve(client, model)
        if version.tags.get("birdml.dataset_digest") != dataset.digest:
            raise UserError(
                f"'{model}' was made on another dataset "
                f"({version.tags.get('birdml.dataset', 'unknown')}) than '{dataset.name}': its run "
                "can't hold these predictions; use submit, or recordings=..."
            )
        run_id = version.run_id or ""
        if run_id not in runs.by_ids(client, [run_id]):
            raise UserError(
                f"the run of '{model}' is gone from the store: it can't hold predictions; use "
                "submit, or recordings=..."
            )
        return [Target(model, f"models:/{version.name}/{version.version}", run_id)]
    return [
        Target(m.name, f"models:/birdml-{m.name}/{m.model_version}", m.run_id)
        for m in champions.meant(client, dataset, model)
    ]


def _predict_one(
    client: "Store", target: Target, dataset: Dataset, options: SplitOptions, device: str
) -> str:
    """What became of one model, in words."""
    split, windows = options.split, options.windows or default_windows(options.split)
    usual = windows == default_windows(split)
    place = split if usual else f"{split}-{windows}"
    before = predicted_splits(client, target.run_id)
    folder = registry.load_registered(client, target.uri)
    if usual or place not in before or options.figures:
        made = predictions_in(client, folder, dataset, split, windows, device)
    if place not in predicted_splits(client, target.run_id):
        log_predictions(client, target.run_id, place, made.files, made.logits, made.starts)
    words = "was there" if place in before else f"{len(made.files)} rows logged"
    if options.figures:
        if windows != "recording":
            raise UserError("figures of a split show whole recordings: leave windows=recording")
        names = log_best_and_worst(client, target.run_id, folder, dataset, split, made, device)
        words += f"; figures {', '.join(names)}"
    return f"predictions/{place} {words}"
