"""What needs the store is tried again while it is away, and only then."""

import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

logger = logging.getLogger(__name__)
T = TypeVar("T")
LIMIT = 900.0  # seconds that a store may be away
LONGEST_WAIT = 30.0  # seconds between two tries
_now = threading.local()  # `depth` of blocks in which this thread does not wait


AWAY = re.compile(  # how stores say that nobody answers, or that somebody else is writing
    r"Max retries exceeded|Connection (?:refused|reset|aborted)|timed out|Remote end closed"
    r"|error code (?:502|503|504)\b|database is locked|server closed the connection"
    r"|could not connect to server|connection (?:is closed|already closed|failed)"
    r"|terminating connection|the database system is (?:starting up|shutting down)"
    r"|closed unexpectedly|connection is lost|could not translate host name"
    r"|too many (?:clients|connections)|remaining connection slots|deadlock"
    r"|Lost connection|server has gone away|Can't connect to|Lock wait timeout",
    re.IGNORECASE,
)
REFUSED = re.compile(
    r"authentication failed|pg_hba\.conf|Access denied|does not exist", re.IGNORECASE
)
OF_DATABASE = re.compile(r"OperationalError|\[SQL:|sqlalche\.me")  # MLflow answers 503 to them all


def is_away(error: Exception) -> bool:
    """Whether an error says that a server does not answer for now, and not that a request is wrong,
    a disk full, or a fault of the server's own: those don't pass by waiting."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import OperationalError

    if isinstance(error, MlflowException):
        unavailable = error.get_http_status_code() in (502, 503, 504)
        of_server = unavailable and not OF_DATABASE.search(str(error))
        return of_server or _says_away(error)
    if isinstance(error, OperationalError):
        return _says_away(error)
    library, name = type(error).__module__.split(".")[0], type(error).__name__
    over_network = library in ("botocore", "boto3", "urllib3", "requests")
    unreachable = any(word in name for word in ("Connect", "Timeout", "Chunked", "Protocol"))
    return (over_network and unreachable) or isinstance(error, ConnectionError | TimeoutError)


def _says_away(error: Exception) -> bool:
    return bool(AWAY.search(str(error))) and not REFUSED.search(str(error))


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """A block in which requests of this thread fail at once where the store is away."""
    _now.depth = getattr(_now, "depth", 0) + 1
    try:
        yield
    finally:
        _now.depth -= 1


def waits() -> bool:
    """Whether requests of this thread wait for a store that is away."""
    return not getattr(_now, "depth", 0)


def retry(action: Callable[[], T], limit: float = LIMIT) -> T:
    """Does what needs the store, again and again while it is away, which is said once; gives up
    after `limit` s. Within another `retry`, or `at_once`, it does not wait: whoever began waits."""
    if not waits():
        return action()
    deadline = time.monotonic() + limit
    wait = 1.0
    while True:
        try:
            with at_once():  # the waiting is ours
                return action()
        except Exception as error:
            if not is_away(error) or time.monotonic() > deadline:
                raise
            if wait == 1.0:
                text = "the tracking store does not answer: waiting, %.0f minutes at most"
                logger.warning(text, limit / 60)
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
