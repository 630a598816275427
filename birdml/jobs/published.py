"""Weights of the 2018 system as a registered model: a run like that of a training, without one."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from birdml.ensemble.card import PARAMETERS
from birdml.errors import UserError
from birdml.jobs.finish import Finish
from birdml.jobs.request import TrainOptions, prepare_request
from birdml.networks.build import build_network
from birdml.networks.lasagne import load_parameters
from birdml.tracking import experiments, own_runs, runs, store
from birdml.tracking.claims import Claims
from birdml.tracking.training_run import log_request
from birdml.training.trained import Trained
from birdml.zoo.description import describe_run
from birdml.zoo.recipe import HeadRecipe
from birdml.zoo.saved import SavedModel

if TYPE_CHECKING:
    from birdml.tracking.client import Store


def import_parameters(file: str, options: TrainOptions) -> str:
    """Registers the parameters in an .npz of the 2018 system as a version of a model of the zoo.

    Its figures are those on the dataset's validation recordings, whose label set must be that of
    the parameters, in the same order. The same file again is not registered again.

    Args:
        file: `param0`, `param1`, ..., as Lasagne wrote them.
        options: one model of the zoo, the dataset, and settings that differ from the zoo's.

    Returns:
        a line that says what was registered, or is there.

    Raises:
        UserError: where the file can't be read, or does not fit the network of the recipe.
    """
    request = prepare_request(options)
    name = options.model
    if name not in request.recipes or isinstance(request.recipes[name], HeadRecipe):
        raise UserError(f"model='{name}': name one model of the zoo that was there in 2018")
    recipe, dataset = request.recipes[name], request.dataset
    network = build_network(recipe, len(dataset.classes))
    load_parameters(network, Path(file))
    content = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    told = f"{request.identities[name]} {content}"
    identity = hashlib.sha256(told.encode()).hexdigest()[:16]
    client = store.connect()
    experiments.check_place(client)
    there = runs.finished_run(client, identity)
    if there is not None:
        return f"birdml-{name} version {there.model_version} holds these very parameters"
    claim = Claims(client, dataset.digest).claim(identity)
    if claim is None:
        raise UserError("another process registers these very parameters: wait for it")
    if runs.finish_killed(client, identity):
        claim.end("finished")
        return _made(client, name, identity)
    network = network.to(request.device).eval()
    model = SavedModel(recipe, network, dataset.species, dataset.name, dataset.digest, identity)
    note = f"**Parameters** of `{Path(file).name}` (sha256 `{content[:12]}`), not trained here.  \n"
    tags = {
        "birdml.model": name,
        "birdml.family": recipe.family,
        "birdml.dataset": dataset.name,
        "birdml.dataset_digest": dataset.digest,
        "birdml.identity": identity,
        "birdml.device": request.device,
        PARAMETERS: f"`{Path(file).name}`, sha256 `{content[:12]}`",
        "mlflow.note.content": note + describe_run(recipe, dataset.name, dataset.digest),
    }
    how = "failed"
    try:
        with own_runs.own_run(client, name, tags) as run_id:
            settings = recipe.settings_in_use() | {"seed": request.seed}
            log_request(client, run_id, settings, dataset)
            Finish(client, run_id, model, dataset, request.device).run(Trained(network))
        how = "finished"
    finally:
        claim.end(how)
    return _made(client, name, identity)


def _made(client: "Store", name: str, identity: str) -> str:
    made = runs.finished_run(client, identity)
    assert made is not None
    return f"birdml-{name} version {made.model_version}: MAP {made.metrics['map']:.3f}"
