"""Files at an address such as `s3://bucket/season`: listed, read and put whole, through fsspec.

A store that does not answer is waited for, and that is said once; one that refuses is an error.
"""

import errno
import logging
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from birdml.dataset.problems import Problem
from birdml.errors import UserError

logger = logging.getLogger(__name__)
FORM = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
WHOLE = tuple("s3 s3a gs gcs az abfs abfss oss memory".split())  # put whole or not at all
PATIENCE, LONGEST_PAUSE = 3600.0, 15.0  # seconds
PASSING = frozenset(
    {
        *(errno.EBUSY, errno.EIO, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH),
        getattr(errno, "EREMOTEIO", errno.EIO),
    }
)
PASSING_KINDS = frozenset(  # of the libraries below, which need not be there
    {
        "botocore.exceptions.HTTPClientError",
        "botocore.exceptions.ConnectionError",
        "aiohttp.client_exceptions.ClientError",
    }
)
CHANGED = ("ETag", "etag", "LastModified", "last_modified", "updated", "mtime", "created")

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Address:
    """A file or folder in a store: `root` as the user wrote it, `below` the path from there on.
    `stamp`: size and change of a file, by which it is known again, where a listing told them."""

    root: str
    below: str = ""
    stamp: str = ""

    def __truediv__(self, name: str) -> "Address":
        return replace(self, below=f"{self.below}/{name}" if self.below else name, stamp="")

    def __str__(self) -> str:
        return f"{self.root}/{self.below}" if self.below else self.root

    @property
    def name(self) -> str:
        return PurePosixPath(str(self)).name

    def listed(self) -> list[tuple[str, bool, str]]:
        """Names in a folder, whether each is a folder itself, and its stamp; none where it is not
        there. Raises UserError where it can't be listed."""
        system, path = self._opened()
        found: list[dict[str, Any]] = []
        with suppress(FileNotFoundError):
            found = _request(self, lambda: system.ls(path, detail=True))
        entries = []
        for one in found:
            name = one["name"].rstrip("/")[len(path.rstrip("/")) + 1 :]
            folder = one["type"] == "directory"
            if name or folder:  # a folder's own mark is no file of it
                entries.append((name, folder, _stamp(one)))
        return sorted(entries)

    def file(self) -> "Address | None":
        """This file with its stamp; None where there is no such file."""
        system, path = self._opened()
        with suppress(FileNotFoundError):
            found = _request(self, lambda: system.info(path))
            if found["type"] == "file":
                return replace(self, stamp=_stamp(found))
        return None

    def head(self, size: int) -> bytes:
        """The first bytes of a file; none where it can't be read."""
        system, path = self._opened()
        with suppress(OSError):
            return with_retry(self, lambda: system.cat_file(path, 0, size))
        return b""

    def get(self, target: Path) -> None:
        """Copies the file to a place of this machine. Raises OSError where it can't be had."""
        system, path = self._opened()
        with_retry(self, lambda: system.get_file(path, str(target)))

    def put(self, source: Path) -> None:
        """Puts a file there, whole or not at all. Raises UserError where the store refuses."""
        system, path = self._opened()
        try:
            _request(self, lambda: system.put_file(str(source), path))
        except FileNotFoundError as error:
            raise UserError(f"there is no '{self.root}': make the bucket first") from error

    def remove(self) -> None:
        """Removes a file, if it is there."""
        system, path = self._opened()
        with suppress(FileNotFoundError):
            _request(self, lambda: system.rm_file(path))

    def _opened(self) -> tuple[Any, str]:
        """The file system and the path in it; libraries keep one for each thread."""
        system, path = opened(self.root)
        return system, f"{path}/{self.below}" if self.below else path


def address_of(text: str) -> Address | None:
    """The address that a text is; None for paths of this machine.

    >>> address_of("s3://bucket/season/"), address_of("season")
    (Address(root='s3://bucket/season', below='', stamp=''), None)
    """
    return Address(text.rstrip("/")) if FORM.match(text) else None


def opened(text: str) -> tuple[Any, str]:
    """A file system of fsspec and the path in it. Raises UserError for an address of no kind that
    is known, or whose library is missing."""
    from fsspec.core import url_to_fs

    try:
        system, path = url_to_fs(text, use_listings_cache=False)
    except ImportError as error:
        raise UserError(
            f"'{text}' needs a library that is not installed ({error}); for s3: "
            "pip install 'birdml[s3]'"
        ) from None
    except ValueError as error:
        raise UserError(f"'{text}' is no address: {error}") from None
    return system, path.rstrip("/")


def walk_address(folder: Address, problems: list[Problem], below: str = "") -> Iterator[Address]:
    """All files below an address in the order of `dataset.raw.walk`, folder by folder, without
    hidden ones. A name that is empty (of `season//a.wav`) is added to the problems."""
    entries = (folder / below if below else folder).listed()
    for name, is_folder, stamp in entries:
        if not is_folder and not name.startswith("."):
            yield replace(folder / (f"{below}/{name}" if below else name), stamp=stamp)
    for name, is_folder, _ in entries:
        path = f"{below}/{name}" if below else name
        if is_folder and not name:
            problems.append(Problem(f"{path}/", "", "", "left out: a folder without a name"))
        elif is_folder and not name.startswith(".") and name != "__MACOSX":
            yield from walk_address(folder, problems, path)


@contextmanager
def at_hand(place: "Path | Address") -> Iterator[Path]:
    """A file on this machine: itself, or a copy of what lies at an address, which vanishes.

    Raises OSError where it can't be had.
    """
    if isinstance(place, Path):
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="birdml-") as folder:
        copy = Path(folder, f"copy{PurePosixPath(place.name).suffix}")
        place.get(copy)
        yield copy


def with_retry(address: Address, work: Callable[[], Found]) -> Found:
    """What `work` answers; again and again while the store does not answer.

    Raises OSError where it refuses, and UserError where it can't be asked, or does not answer for
    an hour.
    """
    begin, pause = time.monotonic(), 1.0
    while True:
        try:
            answer = work()
        except Exception as error:
            if not passes(error):
                if isinstance(error, OSError):
                    raise
                if type(error).__module__ == "builtins":
                    raise
                raise UserError(f"'{address.root}': {_line(error)}") from error
            if time.monotonic() - begin > PATIENCE:
                raise UserError(
                    f"'{address.root}' has not answered for an hour ({_line(error)}); what is done "
                    "is kept: run the same command again"
                ) from error
            OUTAGES.begin(address.root, _line(error))
            _pause(pause, address)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            OUTAGES.end(address.root)
            return answer


def give_up_on(event: threading.Event | None) -> None:
    """From now on, waiting for a store ends in this thread when the event is set."""
    _GIVEN_UP.event = event


def _pause(seconds: float, address: Address) -> None:
    event = getattr(_GIVEN_UP, "event", None)
    if event is None:
        time.sleep(seconds)
    elif event.wait(seconds):
        raise UserError(f"'{address.root}' did not answer until the end")


def passes(error: Exception) -> bool:
    """Whether an error is of a store or a network that may answer later."""
    response = getattr(error.__cause__, "response", None)
    if isinstance(response, dict):
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        return status >= 500 or status in (408, 429)
    if isinstance(error, (ConnectionError, TimeoutError)):
        return True
    if isinstance(error, OSError) and error.errno in PASSING:
        return True
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    return bool(kinds & PASSING_KINDS)


class _Outages:
    """Says once that a store does not answer, and once that it does again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.away: set[str] = set()

    def begin(self, root: str, why: str) -> None:
        with self._lock:
            if root not in self.away:
                self.away.add(root)
                logger.warning("'%s' does not answer (%s): waiting for it", root, why)

    def end(self, root: str) -> None:
        if root in self.away:
            with self._lock:
                self.away.discard(root)
                logger.info("'%s' answers again", root)


OUTAGES = _Outages()
_GIVEN_UP = threading.local()


def _request(address: Address, work: Callable[[], Found]) -> Found:
    """As `with_retry`, with one line where the store refuses; FileNotFoundError stays."""
    try:
        return with_retry(address, work)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"'{address}' is refused: {_line(error)}") from error


def _line(error: Exception) -> str:
    text = str(getattr(error, "strerror", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _stamp(entry: dict[str, Any]) -> str:
    changed = next((entry[key] for key in CHANGED if entry.get(key)), "")
    return f"{entry.get('size') or 0} {str(changed).strip(chr(34))}"
