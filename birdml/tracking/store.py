"""The tracking store: which server or database, opened once, made where it is new."""

import fcntl
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from birdml.errors import UserError
from birdml.tracking.databases import check_opens
from birdml.tracking.faults import in_words, without_password
from birdml.tracking.handed import check_handed_run, handed_run
from birdml.tracking.retry import at_once

if TYPE_CHECKING:
    from birdml.tracking.client import Store

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
    check_handed_run(client)
    return client


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
