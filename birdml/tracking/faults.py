"""What a store's errors mean to who runs a command: one line each."""

import contextlib
import errno
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from birdml.errors import UserError
from birdml.tracking.retry import is_away

LONGEST = 200  # characters of a reason
WORDS = (  # in the text of an error, and what there is to do
    (
        r"readonly database|read-only|permission denied|\[Errno (?:13|20|30)\]",
        "it can't be written: {reason}",
    ),
    (
        r"must be in the .?active.? state",
        "its experiment is deleted: restore it with `mlflow experiments restore`, or name another "
        "in MLFLOW_EXPERIMENT_NAME",
    ),
    (
        r"No Experiment with id|Could not find experiment",
        "it has no such experiment ({reason}): unset MLFLOW_EXPERIMENT_ID, or name another",
    ),
    (r"Run .*not found|No run with id", "a run is gone from it: {reason}"),
    (
        r"No such artifact|NoSuchBucket|NoSuchKey|does not exist.*artifact",
        "files are not where it says: {reason}; was the store, or a part of it, moved?",
    ),
    (
        r"out-of-date database schema|Detected out-of-date",
        "its tables are those of another MLflow: `mlflow db upgrade` brings them up to date",
    ),
    (
        r"authentication failed|Access denied|no pg_hba",
        "it takes no such user or password: {reason}",
    ),
    (r"no space left on device|disk is full|could not extend file", "its disk is full"),
    (
        r"file is not a database|disk image is malformed|unable to open database|no such table",
        "it is no database, or broken: {reason}; bring a copy back, or name another",
    ),
    (
        r"filesystem tracking backend",
        "folders are no stores any more: use a database, such as sqlite:///mlflow.db",
    ),
    (
        r"unsupported URI",
        "there is no such kind of store: use sqlite:///FILE, postgresql:// or a server's http://",
    ),
    (r"Python int too large|out of range", "a number has more than 64 bits: {reason}"),
)
DRIVERS = {  # modules that stores need, and what brings them
    "psycopg": "birdml[server]",
    "psycopg2": "birdml[server]",
    "boto3": "birdml[server]",
    "pymysql": "pymysql",
    "MySQLdb": "mysqlclient",
    "pyodbc": "pyodbc",
}


def without_password(uri: str, text: str) -> str:
    """A text about a store, without the password that its address may hold."""
    parts = urlsplit(uri)
    return text.replace(f":{parts.password}@", ":***@") if parts.password else text


def in_words(error: BaseException, uri: str) -> str | None:
    """One line about an error of the store at `uri`; None for what is a fault of ours."""
    if isinstance(error, ModuleNotFoundError) and error.name in DRIVERS:
        package = DRIVERS[error.name]
        return without_password(
            uri, f"the tracking store {uri} needs a driver: pip install {package}"
        )
    if not _of_store(error):
        return None
    if isinstance(error, Exception) and is_away(error):
        return without_password(
            uri, f"the tracking store {uri} does not answer: start it or set MLFLOW_TRACKING_URI"
        )
    reason = _first_line(str(error))
    for pattern, words in WORDS:
        if re.search(pattern, str(error), re.IGNORECASE):
            said = words.format(reason=reason)
            return without_password(uri, f"the tracking store {uri}: {said}")
    return None


UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR)


@contextlib.contextmanager
def disk_in_words(uri: str) -> Iterator[None]:
    """A block that writes files of the store at `uri`: UserError where its disk takes none."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        where = f" ({error.filename})" if error.filename else ""
        said = f"its files can't be written: {error.strerror}{where}"
        raise UserError(without_password(uri, f"the tracking store {uri}: {said}")) from None


def _of_store(error: BaseException) -> bool:
    """Whether an error comes from MLflow, its database or its object store."""
    modules = {kind.__module__.split(".")[0] for kind in type(error).__mro__}
    return bool(modules & {"mlflow", "sqlalchemy", "botocore", "requests", "urllib3", "sqlite3"})


def _first_line(text: str) -> str:
    """What happened, without the SQL and its parameters."""
    said = re.split(r"\[SQL|\(Background on this error", text)[0]
    return " ".join(said.split())[:LONGEST]
