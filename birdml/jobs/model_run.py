"""One model from claim to registry: its run, its training, its predictions, its version."""

import logging
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from birdml import __version__
from birdml.dataset.prepared import Dataset
from birdml.errors import UserError
from birdml.files import csv_text
from birdml.jobs import calibration
from birdml.jobs.calibration import Calibrated
from birdml.jobs.request import TrainRequest
from birdml.tracking import registry, runs, store
from birdml.tracking.arrays import log_predictions, predicted_splits
from birdml.tracking.claims import Claim
from birdml.tracking.datasets import log_dataset
from birdml.tracking.descriptions import describe_version
from birdml.tracking.recorder import ClaimLost, RunRecorder
from birdml.tracking.retry import LIMIT, is_away, retry
from birdml.zoo.description import describe_run
from birdml.zoo.recipe import HeadRecipe, Recipe
from birdml.zoo.saved import SavedModel

if TYPE_CHECKING:
    from birdml.networks.head import HeadNetwork
    from birdml.tracking.client import Store
    from birdml.training.trainer import Trained

logger = logging.getLogger(__name__)


def train_model(
    client: "Store", request: TrainRequest, name: str, claim: Claim, handed: bool
) -> bool:
    """Trains, predicts, registers one model in a run of its own; gives the claim back.

    Goes on with an unfinished run of the same request. `handed`: use the run that `mlflow run`
    opened, where there is no unfinished one. Returns whether the model came to its end here: not
    where another process took it over, because this one had not been heard of for too long.
    """
    run_id, how = "", "failed"
    try:
        run_id = _open(client, request, name, handed)
        _train_into(client, request, name, run_id, claim)
        how = "finished"
        return True
    except KeyboardInterrupt:
        how = "interrupted"
        raise
    except ClaimLost:
        how = "lost"
        return False
    except Exception as error:
        if run_id:
            text = " ".join(f"{error or type(error).__name__}".split())[:4000]
            client.set_tag(run_id, "birdml.error", text)
        if not isinstance(error, UserError):  # a fault of ours, which somebody has to find
            told = traceback.format_exc()
            logger.error("%s", told)
            with suppress(Exception):
                client.log_text(run_id, told, "error.txt")
        raise
    finally:
        status = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}.get(how)
        # Nobody who interrupts wants to wait for a server: the next start sees that we are gone.
        limit = 5.0 if how == "interrupted" else LIMIT
        try:
            if run_id and status:
                retry(lambda: client.set_terminated(run_id, status), limit)
        finally:
            retry(lambda: claim.end(how), limit)


def _open(client: "Store", request: TrainRequest, name: str, handed: bool) -> str:
    unfinished = runs.unfinished_runs(client, request.identities[name])
    if unfinished:
        run = unfinished[0]
        run_id = run.info.run_id
        if handed:
            note = f"{name} went on in its unfinished run {run_id}."
            store.describe_handed_run(f"{name} (goes on elsewhere)", note, client)
        client.update_run(run_id, status="RUNNING")
        if "birdml.error" in run.data.tags:
            client.delete_tag(run_id, "birdml.error")
        if not (run.inputs and run.inputs.dataset_inputs):  # killed before all was written down
            log_settings(client, run_id, request, request.recipes[name])
        return run_id
    recipe, dataset = request.recipes[name], request.dataset
    tags = {
        "birdml.model": name,
        "birdml.family": recipe.family,
        "birdml.dataset": dataset.name,
        "birdml.dataset_digest": dataset.digest,
        "birdml.identity": request.identities[name],
        "birdml.teachers": ",".join(recipe.needs),
        "birdml.device": request.device,
        "birdml.version": __version__,
        "mlflow.note.content": describe_run(recipe, dataset.name, dataset.digest),
    }
    run_id = store.open_run(client, name, tags, handed)
    log_settings(client, run_id, request, recipe)
    return run_id


def log_settings(client: "Store", run_id: str, request: TrainRequest, recipe: Recipe) -> None:
    settings = recipe.settings_in_use() | {"seed": request.seed}
    client.log_settings(run_id, settings)
    log_dataset(client, run_id, request.dataset, "training")


def _train_into(
    client: "Store", request: TrainRequest, name: str, run_id: str, claim: Claim
) -> None:
    from birdml.training.identity import model_seed
    from birdml.training.trainer import train

    recipe = request.recipes[name]
    recorder = RunRecorder(client, run_id, claim.lost)
    if client.tag(run_id, "birdml.model_version"):  # it was killed on its last metres
        recorder.clear()
        return
    needs = {need: _needed(client, request, need) for need in recipe.needs}
    trained = train(
        recipe,
        request.dataset,
        model_seed(request.seed, name),
        recorder,
        needs=needs,
        device=request.device,
        feed_threads=request.feed_threads,
    )
    recorder.finish()
    model = SavedModel(
        recipe=recipe,
        network=trained.network,
        species=request.dataset.species,
        dataset_name=request.dataset.name,
        dataset_digest=request.dataset.digest,
        identity=request.identities[name],
    )
    finish(client, run_id, model, request, trained)
    recorder.clear()


def _needed(client: "Store", request: TrainRequest, need: str) -> SavedModel:
    """The trained model of a need, out of the registry."""
    from birdml.ensemble.combination import load_combination

    found = runs.finished_run(client, request.identities[need])
    if found is None:
        raise RuntimeError(f"{need} is not in the store any more")
    folder = registry.load_registered(client, f"models:/birdml-{need}/{found.model_version}")
    return load_combination(folder, request.device).members[0][0]


def finish(
    client: "Store",
    run_id: str,
    model: SavedModel,
    request: TrainRequest,
    trained: "Trained",
) -> None:
    """Final figures on whole recordings, predictions, a calibration, pictures, and a version in
    the registry.

    Each part may have been done before a kill or a server's absence: nothing is done twice.
    """
    from birdml.comparison.statistics import intervals_in_words
    from birdml.prediction.split import predict_split
    from birdml.scoring import score

    dataset = request.dataset
    predictions = predict_split(model, dataset, "valid", device=request.device)
    recordings = dataset.split("valid")
    metrics = score(predictions.logits, dataset.foreground(recordings), dataset.present(recordings))
    figures = metrics | {
        "training/best_epoch": trained.best_epoch,
        "training/epochs": len(trained.history),
        "cost/minutes": trained.seconds / 60,
    }
    client.log_changed_metrics(run_id, figures)
    if "valid" not in predicted_splits(client, run_id):
        log_predictions(client, run_id, "valid", predictions.files, predictions.logits)
    nothing = calibration.of_nothing(
        model.name, dataset, lambda split: predict_split(model, dataset, split, "", request.device)
    )
    if nothing is not None and calibration.NOTHING not in predicted_splits(client, run_id):
        log_predictions(client, run_id, calibration.NOTHING, nothing.files, nothing.logits)
    windows = calibration.of_annotated(
        model.name,
        dataset,
        lambda split: predict_split(model, dataset, split, "5s", request.device),
    )
    made = calibration.of_validation_or_none(
        model.name, dataset, predictions.logits, nothing, windows
    )
    if made is not None:
        calibration.log_calibration(client, run_id, model.name, made)
    _log_figures(client, run_id, model, dataset, predictions.logits, trained.history)
    if isinstance(model.recipe, HeadRecipe) and model.recipe.head in ("own", "warm"):
        _log_known(client, run_id, model, model.recipe)
    if not client.tag(run_id, "birdml.model_version"):
        truth = dataset.foreground(recordings), dataset.present(recordings)
        sure = intervals_in_words(predictions.logits, *truth)
        _register(client, run_id, model, dataset, metrics, made, sure)


def _log_known(client, run_id: str, model: SavedModel, recipe: HeadRecipe) -> None:
    """By what the encoder knows each species, as a table."""
    from birdml.training.heads import known_by, rows_of_encoder

    own = rows_of_encoder(recipe, cast("HeadNetwork", model.network), model.species)
    text = csv_text(("class_id", "latin_name", "known_by"), known_by(own, model.species))
    client.log_text(run_id, text, "encoder_species.csv")


def _log_figures(client, run_id, model, dataset, logits, history) -> None:
    from birdml.figures.run import run_figures

    try:
        for name, figure in run_figures(model, dataset, logits, history).items():
            client.log_figure(run_id, figure, f"figures/{name}.png")
    except Exception as error:  # a model is trained, whatever becomes of its pictures
        if is_away(error):
            raise
        logger.error("%s: figures are missing: %s", model.name, " ".join(str(error).split()))
        client.log_text(run_id, traceback.format_exc(), "figures/error.txt")


def _register(
    client,
    run_id: str,
    model: SavedModel,
    dataset: Dataset,
    metrics: dict[str, float],
    made: Calibrated | None,
    sure: str,
) -> None:
    from birdml.calibration.saved import save_calibration
    from birdml.ensemble.card import PARAMETERS, data_tags
    from birdml.ensemble.combination import Member, save_combination
    from birdml.ensemble.registration import log_and_register
    from birdml.zoo.saved import save_model

    name = f"birdml-{model.name}"
    there = client.versions_of(run_id)
    if there:  # killed before it could write so into its run
        registry.promote(client, name, str(there[0].version), metrics)
        client.set_tag(run_id, "birdml.model_version", str(there[0].version))
        return
    tags = {key: f"{value:.6f}" for key, value in metrics.items()}
    tags |= {
        "birdml.dataset": model.dataset_name,
        "birdml.dataset_digest": model.dataset_digest,
        "birdml.identity": model.identity,
    }
    tags |= data_tags(dataset)
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
