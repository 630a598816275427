"""Writing so that what exists is complete: beside the target, then renamed; by one at a time."""

import csv
import errno
import io
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from birdml.errors import UserError

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def writing(target: Path) -> Iterator[BinaryIO]:
    """A file beside the target that becomes it when all went well, and vanishes otherwise.

    Raises UserError where nothing can be written there, or the disk is full.
    """
    beside = _beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "wb") as file:
            yield file
        os.replace(beside, target)
    except OSError as error:
        raise write_error(error, target) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_error(error: OSError, target: Path) -> UserError:
    """What to tell a user whose disk does not take a file."""
    if error.errno in NO_SPACE:
        return UserError(
            f"no space left for '{target}'; what is done is kept: make room and run the same "
            "command again"
        )
    return UserError(f"can't write '{target}': {error.strerror or error}")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV with one kind of line end on every machine."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
    return text.getvalue()


def write_text(target: Path, text: str) -> None:
    with writing(target) as file:
        # names of files that are no UTF-8 are written so that nothing is lost
        file.write(text.encode("utf-8", errors="backslashreplace"))


@contextmanager
def writing_folder(target: Path) -> Iterator[Path]:
    """A folder beside the target that takes its place when all went well, and vanishes otherwise.

    What stood there is moved aside before and deleted after, so that at any moment the old or the
    new one is whole. Raises UserError where nothing can be written there, or the disk is full.
    """
    beside = _beside(target)
    aside = target.with_name(f".{target.name}.{os.getpid()}.old")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        yield beside
        if target.exists():
            os.replace(target, aside)
        os.replace(beside, target)
    except OSError as error:
        if aside.exists() and not target.exists():
            os.replace(aside, target)
        raise write_error(error, target) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def locked(path: Path, busy: str = "") -> Iterator[None]:
    """Keeps other processes out of a block by a file, which stays; the lock ends with the process.

    Waits for another that is in it, or raises UserError with the text `busy` where there is one.
    Does nothing where the system has no such locks. Raises UserError where the file can't be made.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "w")  # noqa: SIM115  (it must outlive this block)
    except OSError as error:
        raise write_error(error, path) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except OSError:
            if not busy:
                raise
            raise UserError(busy) from None
        yield


def cache_folder() -> Path:
    """BIRDML_CACHE, else `birdml` in the user's cache folder."""
    named = os.environ.get("BIRDML_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "birdml"


def _beside(target: Path) -> Path:
    """Where a file or folder is written; of this process, so that two never share one.

    A name that is as long as names can be has no room for more: it is cut.
    """
    name = os.fsencode(target.name)[:200].decode(errors="ignore")
    return target.with_name(f".{name}.{os.getpid()}.part")


def shown(name: str) -> str:
    """A file's name as text, also where it is no UTF-8."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")


def stamp_of(path: Path) -> str:
    """Size and time of change of a file, by which it is known again; '' where it is not there."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
