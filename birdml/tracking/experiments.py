"""The experiment that runs go to, its place for artifacts, and where people look at it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from birdml.errors import UserError
from birdml.tracking.descriptions import EXPERIMENT_TAGS, VIEW
from birdml.tracking.faults import without_password
from birdml.tracking.handed import handed_run
from birdml.tracking.retry import is_away

if TYPE_CHECKING:
    from mlflow.entities import Experiment

    from birdml.tracking.client import Store

EXPERIMENT = "birdml"
NOTE = "mlflow.note.content"
LINK = "[Models, best first]"  # the first words of an experiment's description


def experiment_id(client: "Store") -> str:
    """The experiment of the run handed in, else MLFLOW_EXPERIMENT_NAME, else birdml.

    One that somebody else made, such as `mlflow run`, gets the description and view that it lacks.
    """
    run_id = handed_run()
    known = os.environ.get("MLFLOW_EXPERIMENT_ID")
    if run_id:
        experiment = client.get_experiment(client.get_run(run_id).info.experiment_id)
    elif known:
        experiment = _known_experiment(client, known)
    else:
        experiment = _named_experiment(client)
    for key, value in EXPERIMENT_TAGS.items():
        if key not in experiment.tags:
            client.set_experiment_tag(experiment.experiment_id, key, value)
    if LINK not in experiment.tags.get(NOTE, ""):
        note = experiment.tags.get(NOTE) or EXPERIMENT_TAGS[NOTE]
        if note == EXPERIMENT_TAGS[NOTE]:  # ours: what somebody wrote is left alone
            client.set_experiment_tag(
                experiment.experiment_id,
                NOTE,
                f"{LINK}({_view(experiment.experiment_id)})\n\n{note}",
            )
    return experiment.experiment_id


def _known_experiment(client: "Store", known: str) -> "Experiment":
    from mlflow.exceptions import MlflowException

    try:
        experiment = client.get_experiment(known)
    except MlflowException as error:
        if error.get_http_status_code() >= 500:
            raise
        experiment = None
    if experiment is None or experiment.lifecycle_stage != "active":
        what = "is deleted" if experiment else "is not in this store"
        raise UserError(
            f"MLFLOW_EXPERIMENT_ID names the experiment {known}, which {what}: unset it, or name "
            "another"
        )
    return experiment


def _named_experiment(client: "Store") -> "Experiment":
    from mlflow.exceptions import MlflowException

    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.get_experiment(client.create_experiment(name, tags=EXPERIMENT_TAGS))
        except MlflowException:  # another process was faster
            experiment = client.get_experiment_by_name(name)
    if experiment is None or experiment.lifecycle_stage != "active":
        raise UserError(
            f"the experiment '{name}' is deleted; restore it with `mlflow experiments restore`, "
            "or name another in MLFLOW_EXPERIMENT_NAME"
        )
    return experiment


def check_place(client: "Store") -> None:
    """UserError where the experiment, or the place of its artifacts, can't take a new run."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    place = client.get_experiment(experiment_id(client)).artifact_location
    parts = urlsplit(place)
    try:
        if parts.scheme in ("", "file"):
            folder = Path(unquote(parts.path))
            folder.mkdir(parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK):
                raise PermissionError("no permission to write there")
        else:
            get_artifact_repository(place, tracking_uri=client.tracking_uri).list_artifacts()
    except Exception as error:
        if is_away(error):
            return  # what needs it will wait for it
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"artifacts can't be written to {place} ({reason}): the experiment's place for them; "
            "make it writable, or name another experiment in MLFLOW_EXPERIMENT_NAME"
        ) from None


def where_to_look(client: "Store") -> str:
    """What a user does to see the runs: the line that starts a page, if need be, and its address,
    which opens the saved view of models."""
    page = _view(experiment_id(client))
    uri = client.tracking_uri
    if urlsplit(uri).scheme in ("http", "https"):
        return f"look at it: {without_password(uri, uri).rstrip('/')}/{page}"
    start = f"mlflow ui --backend-store-uri '{without_password(uri, uri)}'"
    return f"look at it: {start}\n      then: http://127.0.0.1:5000/{page}"


def _view(experiment: str) -> str:
    """The address of the saved view of models, in the UI."""
    return f"#/experiments/{experiment}/runs?viewStateShareKey={VIEW}&workflowType=machine_learning"


def all_experiments(client: "Store") -> list[str]:
    """Ids of every active experiment: a dataset's runs are found wherever a user keeps them."""
    found: list[str] = []
    token = None
    while True:
        page = client.search_experiments(page_token=token)
        found += [experiment.experiment_id for experiment in page]
        token = page.token
        if not token:
            return found
