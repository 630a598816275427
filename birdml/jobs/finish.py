"""What comes after a training: figures, predictions, a calibration, a version in the registry."""

import logging
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from birdml.calibration.saved import save_calibration
from birdml.comparison.statistics import intervals_in_words
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import NOISE_VALID
from birdml.ensemble.card import PARAMETERS, data_tags
from birdml.ensemble.combination import Member, save_combination
from birdml.ensemble.registration import log_and_register
from birdml.files import csv_text
from birdml.jobs import calibration
from birdml.jobs.calibration import Calibrated
from birdml.scoring import score
from birdml.tracking import registry
from birdml.tracking.arrays import log_predictions, predicted_splits
from birdml.tracking.descriptions import describe_version
from birdml.tracking.retry import is_away
from birdml.zoo.description import describe_run
from birdml.zoo.recipe import HeadRecipe
from birdml.zoo.saved import SavedModel, save_model

if TYPE_CHECKING:
    from birdml.networks.head import HeadNetwork
    from birdml.prediction.predictions import Predictions
    from birdml.tracking.client import Store
    from birdml.training.trained import Trained

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finish:
    """A trained model and the run that its results go to.

    Each part may have been done before a kill or a server's absence: nothing is done twice.
    """

    client: "Store"
    run_id: str
    model: SavedModel
    dataset: Dataset  # that it was trained on
    device: str = "cpu"

    def run(self, trained: "Trained") -> None:
        """Final figures on whole recordings, predictions, a calibration, pictures, and a version
        in the registry."""
        model, dataset = self.model, self.dataset
        valid = self._predict("valid")
        recordings = dataset.split("valid")
        truth = dataset.foreground(recordings), dataset.present(recordings)
        metrics, sure = score(valid.logits, *truth), intervals_in_words(valid.logits, *truth)
        figures = metrics | {
            "training/best_epoch": trained.best_epoch,
            "training/epochs": len(trained.history),
            "cost/minutes": trained.seconds / 60,
        }
        self.client.log_changed_metrics(self.run_id, figures)
        self._log_predictions("valid", valid)
        nothing, windows = calibration.asked_beside(model.name, dataset, self._predict)
        if nothing is not None:
            self._log_predictions(NOISE_VALID, nothing)
        made = calibration.of_validation_or_none(
            model.name, dataset, valid.logits, nothing, windows
        )
        if made is not None:
            calibration.log_calibration(self.client, self.run_id, model.name, made)
        self._log_figures(valid.logits, trained.history)
        if isinstance(model.recipe, HeadRecipe) and model.recipe.head in ("own", "warm"):
            self._log_known(model.recipe)
        if not self.client.tag(self.run_id, "birdml.model_version"):
            self._register(metrics, made, sure)

    def _predict(self, split: str, windows: str = "") -> "Predictions":
        from birdml.prediction.split import predict_split

        return predict_split(self.model, self.dataset, split, windows, self.device)

    def _log_predictions(self, split: str, predictions: "Predictions") -> None:
        if split not in predicted_splits(self.client, self.run_id):
            files, logits = predictions.files, predictions.logits
            log_predictions(self.client, self.run_id, split, files, logits)

    def _log_known(self, recipe: HeadRecipe) -> None:
        """By what the encoder knows each species, as a table."""
        from birdml.training.known_species import known_by, rows_of_encoder

        species = self.model.species
        own = rows_of_encoder(recipe, cast("HeadNetwork", self.model.network), species)
        text = csv_text(("class_id", "latin_name", "known_by"), known_by(own, species))
        self.client.log_text(self.run_id, text, "encoder_species.csv")

    def _log_figures(self, logits: np.ndarray, history: Sequence[dict]) -> None:
        from birdml.figures.run import run_figures

        try:
            for name, figure in run_figures(self.model, self.dataset, logits, history).items():
                self.client.log_figure(self.run_id, figure, f"figures/{name}.png")
        except Exception as error:  # a model is trained, whatever becomes of its pictures
            if is_away(error):
                raise
            why = " ".join(str(error).split())
            logger.error("%s: figures are missing: %s", self.model.name, why)
            self.client.log_text(self.run_id, traceback.format_exc(), "figures/error.txt")

    def _register(self, metrics: dict[str, float], made: Calibrated | None, sure: str) -> None:
        client, run_id, model = self.client, self.run_id, self.model
        name = f"birdml-{model.name}"
        if registry.version_left(client, run_id, metrics):
            return
        tags = {key: f"{value:.6f}" for key, value in metrics.items()}
        tags |= {
            "birdml.dataset": model.dataset_name,
            "birdml.dataset_digest": model.dataset_digest,
            "birdml.identity": model.identity,
        }
        tags |= data_tags(self.dataset)
        if whence := client.tag(run_id, PARAMETERS):
            tags[PARAMETERS] = whence
        recipe = describe_run(model.recipe, model.dataset_name, model.dataset_digest)
        scores = made.in_words if made else calibration.UNCALIBRATED
        about = describe_version(
            metrics, model.dataset_name, run_id, f"{recipe.strip()}\n\n{sure}\n{scores}"
        )
        _forget_unregistered(client, run_id)
        with tempfile.TemporaryDirectory() as scratch:
            saved, folder = Path(scratch) / "saved", Path(scratch) / "combination"
            save_model(saved, model)
            save_combination(folder, model.name, [Member(model.name, 1.0, run_id=run_id)], [saved])
            if made is not None:
                save_calibration(folder, made.calibration)
            version = log_and_register(client, run_id, folder, name, tags, about)
        registry.promote(client, name, version, metrics)
        client.set_tag(run_id, "birdml.model_version", version)


def _forget_unregistered(client: "Store", run_id: str) -> None:
    """Deletes models that were logged, and killed before they had a version."""
    experiment = client.get_run(run_id).info.experiment_id
    query = f"source_run_id = '{run_id}'"
    for model in client.search_logged_models([experiment], filter_string=query):
        client.delete_logged_model(model.model_id)
