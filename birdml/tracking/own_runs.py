"""Runs of this process: opened, ended, and said to be what they are."""

import contextlib
import getpass
import os
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from birdml.tracking.experiments import NOTE, experiment_id
from birdml.tracking.handed import handed_run
from birdml.tracking.processes import this_process
from birdml.tracking.store import connect

if TYPE_CHECKING:
    from birdml.tracking.client import Store

PROCESS = "birdml.process"  # a run's tag: who is at work on it, or was

_renamed: set[str] = set()  # runs handed to this process whose name is ours


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
