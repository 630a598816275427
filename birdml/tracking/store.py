"""The tracking store: which server, which experiment, and the run that `mlflow run` hands in."""

import contextlib
import fcntl
import getpass
import logging
import os
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from birdml.errors import UserError
from birdml.tracking.databases import check_opens
from birdml.tracking.descriptions import EXPERIMENT_TAGS, VIEW
from birdml.tracking.faults import in_words, without_password
from birdml.tracking.processes import this_process
from birdml.tracking.retry import at_once, is_away

if TYPE_CHECKING:
    from mlflow.entities import Experiment

    from birdml.tracking.client import Store

EXPERIMENT = "birdml"
NOTE = "mlflow.note.content"
LINK = "[Models, best first]"  # the first words of an experiment's description
PROCESS = "birdml.process"  # a run's tag: who is at work on it, or was
# A server that is away for a moment must not hold a training up: we keep what is to be logged
# and send it later ourselves, so a request gives up early.
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def connect() -> "Store":
    """A client of the store that MLFLOW_TRACKING_URI names (default: `mlflow.db` right here).

    Creates a new database once, whoever comes first. Raises UserError where no store answers.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    from birdml.tracking.client import Store

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # errors are said by us
    uri = tracking_uri()
    try:
        if (path := _fresh_file(uri)) is not None:
            _check_not_elsewhere(uri, path)
            _make_database(path)
        check_opens(uri)
        client = Store(uri)
        with at_once():
            client.search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, OSError, ModuleNotFoundError) as error:
        reason = " ".join(str(error).split("[SQL")[0].split())[:200]
        unknown = f"the tracking store {uri} can't be used ({reason})"
        said = in_words(error, uri) or without_password(uri, unknown)
        raise UserError(said) from None
    _check_handed_run(client)
    return client


_renamed: set[str] = set()  # runs handed to this process whose name is ours
_ours: set[str] = set()  # runs handed to this process that it may use


def _check_handed_run(client: "Store") -> None:
    """UserError unless the run in MLFLOW_RUN_ID is a fresh one, as `mlflow run` opens it.

    An id that was left over names a run that belongs to somebody, and would be overwritten.
    """
    from mlflow.exceptions import MlflowException

    run_id = handed_run()
    if run_id is None or run_id in _ours:
        return
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if is_away(error):
            raise UserError(f"the tracking store {client.tracking_uri} does not answer") from None
        what = "is not in this store"
    else:
        taken = sorted(tag for tag in run.data.tags if tag.startswith("birdml."))
        if run.info.lifecycle_stage != "active":
            what = "is deleted"
        elif run.info.status != "RUNNING":
            what = f"is {run.info.status.lower()}"
        elif taken:
            what = f"belongs to {run.data.tags.get('birdml.model', 'another command')}"
        else:
            _ours.add(run_id)
            return
    raise UserError(f"MLFLOW_RUN_ID names the run {run_id}, which {what}: unset MLFLOW_RUN_ID")


def _fresh_file(uri: str) -> Path | None:
    """The SQLite file of a store, if it is still to be made."""
    if not uri.startswith("sqlite:///") or "?" in uri or ":memory:" in uri:
        return None
    path = Path(uri.removeprefix("sqlite:///"))
    return None if path.exists() and path.stat().st_size else path


def _check_not_elsewhere(uri: str, path: Path) -> None:
    """UserError where `mlflow run` opened a run in a store that is not where its address points."""
    if handed_run() and not path.is_absolute():
        raise UserError(
            f"MLFLOW_TRACKING_URI={uri} points to {path.absolute()} from here, where no store is, "
            "but `mlflow run` opened a run in one: give an absolute address (sqlite:////...)"
        )


def _make_database(path: Path) -> None:
    """Makes the tables beside the place and renames the file: where it is, it is whole.

    Processes that start together wait for the first one. What a killed one left is made anew.
    """
    import mlflow

    lock, beside = (path.with_name(f"{path.name}.{suffix}") for suffix in ("lock", "new"))
    with open(lock, "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        if not path.exists() or not path.stat().st_size:
            for rest in (beside, beside.with_name(f"{beside.name}-journal")):
                rest.unlink(missing_ok=True)
            mlflow.MlflowClient(f"sqlite:///{beside}").search_experiments(max_results=1)
            beside.rename(path)
        lock.unlink(missing_ok=True)


def tracking_uri() -> str:
    """The address of the store that `connect` opens."""
    import mlflow

    return mlflow.get_tracking_uri()


def handed_run() -> str | None:
    """The run that `mlflow run` opened for this process, if it did."""
    return os.environ.get("MLFLOW_RUN_ID") or None


def runs_handed() -> tuple[str, ...]:
    """The runs that `mlflow run` opened and that this process has taken for its own."""
    return tuple(_ours)


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


def open_run(client: "Store", name: str, tags: dict[str, str], handed: bool = True) -> str:
    """A run of that name and tags: the one handed in (unless told otherwise), or a new one."""
    tags = {key: value for key, value in tags.items() if value}
    if "birdml.identity" not in tags:  # of those with one, a claim tells who is at work
        tags[PROCESS] = this_process()
    experiment, run_id = experiment_id(client), handed_run() if handed else None
    if run_id is None:
        tags |= {"mlflow.user": _user(), "mlflow.source.name": Path(sys.argv[0]).name, **_commit()}
        run = client.create_run(experiment, run_name=name, tags=tags)
        return run.info.run_id
    from mlflow.entities import RunTag

    client.update_run(run_id, status="RUNNING", name=_name(client, run_id, name))
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
    return run_id


def _name(client: "Store", run_id: str, ours: str) -> str:
    """A user's own `--run-name` stays; MLflow's `adjective-noun-123` gives way to ours."""
    there = client.get_run(run_id).info.run_name or ""
    if run_id in _renamed or not there or re.fullmatch(r"[a-z]+-[a-z]+-\d+", there):
        _renamed.add(run_id)
        return ours
    return there


@cache
def _commit() -> dict[str, str]:
    """The commit of the script that runs, as `mlflow run` notes it; empty outside of git."""
    from mlflow.tracking.context.registry import resolve_tags
    from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT

    commit = resolve_tags().get(MLFLOW_GIT_COMMIT)
    return {MLFLOW_GIT_COMMIT: commit} if commit else {}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "unknown"


@contextlib.contextmanager
def own_run(client: "Store", name: str, tags: dict[str, str]) -> Iterator[str]:
    """Runs a block inside a run; ends it as FINISHED, FAILED, or KILLED at an interrupt."""
    run_id = open_run(client, name, tags)
    try:
        yield run_id
    except BaseException as error:
        killed = isinstance(error, KeyboardInterrupt | SystemExit)
        client.set_terminated(run_id, "KILLED" if killed else "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")


def describe_handed_run(
    name: str,
    note: str,
    client: "Store | None" = None,
    files: Sequence[Path] = (),
    unless_named: bool = False,
) -> None:
    """Says what became of the run that `mlflow run` opened, where the step has its own or none.

    MLflow ends that run itself and fails if it is gone, so it stays, by name: a driver of several
    models, a dataset, a request that was refused or that was done before. Runs that this process
    opens from here on are others, in the same experiment. `files` become its artifacts.
    `unless_named`: a run that says already what it is stays as it is.
    """
    run_id = handed_run()
    if run_id is None:
        return
    client = client or connect()
    if unless_named and client.get_run(run_id).data.tags.get("birdml.family"):
        return
    os.environ["MLFLOW_EXPERIMENT_ID"] = experiment_id(client)
    client.update_run(run_id, name=_name(client, run_id, name))
    client.set_tag(run_id, "birdml.family", "step")
    client.set_tag(run_id, NOTE, note)
    for file in files:
        client.log_artifact(run_id, str(file))
    del os.environ["MLFLOW_RUN_ID"]
