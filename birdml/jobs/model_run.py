"""One model from claim to registry: its run, its training, and what comes of it."""

import logging
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from birdml import __version__
from birdml.errors import UserError
from birdml.jobs.finish import Finish
from birdml.jobs.request import TrainRequest
from birdml.tracking import runs
from birdml.tracking.claims import Claim
from birdml.tracking.recorder import ClaimLost, RunRecorder
from birdml.tracking.retry import LIMIT, retry
from birdml.tracking.training_run import open_training
from birdml.zoo.description import describe_run
from birdml.zoo.identity import model_seed
from birdml.zoo.saved import SavedModel, load_model

if TYPE_CHECKING:
    from birdml.tracking.client import Store

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
        _train(client, request, name, run_id, claim)
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
    """The run of a model of the request, in which all is written that was asked for."""
    recipe, dataset = request.recipes[name], request.dataset
    about = describe_run(recipe, dataset.name, dataset.digest)
    settings = recipe.settings_in_use() | {"seed": request.seed}
    tags = {
        "birdml.model": name,
        "birdml.family": recipe.family,
        "birdml.dataset": dataset.name,
        "birdml.dataset_digest": dataset.digest,
        "birdml.identity": request.identities[name],
        "birdml.teachers": ",".join(recipe.needs),
        "birdml.device": request.device,
        "birdml.version": __version__,
        "mlflow.note.content": about,
    }
    return open_training(client, tags, settings, dataset, handed)


def _train(client: "Store", request: TrainRequest, name: str, run_id: str, claim: Claim) -> None:
    from birdml.training.trainer import train

    recipe, dataset, device = request.recipes[name], request.dataset, request.device
    recorder = RunRecorder(client, run_id, claim.lost)
    if client.tag(run_id, "birdml.model_version"):  # it was killed on its last metres
        recorder.clear()
        return
    needs = {
        need: load_model(runs.registered_folder(client, request.identities[need]) / need, device)
        for need in recipe.needs
    }
    trained = train(
        recipe,
        dataset,
        model_seed(request.seed, name),
        recorder,
        needs=needs,
        device=device,
        feed_threads=request.feed_threads,
    )
    recorder.finish()
    identity = request.identities[name]
    model = SavedModel(
        recipe, trained.network, dataset.species, dataset.name, dataset.digest, identity
    )
    Finish(client, run_id, model, dataset, device).run(trained)
    recorder.clear()
