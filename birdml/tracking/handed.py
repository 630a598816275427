"""The run that `mlflow run` opened for this process and handed to it."""

import os
from typing import TYPE_CHECKING

from birdml.errors import UserError
from birdml.tracking.retry import is_away

if TYPE_CHECKING:
    from birdml.tracking.client import Store

_ours: set[str] = set()  # runs handed to this process that it may use


def handed_run() -> str | None:
    """The run that `mlflow run` opened for this process, if it did."""
    return os.environ.get("MLFLOW_RUN_ID") or None


def runs_handed() -> tuple[str, ...]:
    """The runs that `mlflow run` opened and that this process has taken for its own."""
    return tuple(_ours)


def check_handed_run(client: "Store") -> None:
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
