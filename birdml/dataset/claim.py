"""Whose folder it is: a dataset is only made in a folder that holds nothing else.

While a dataset is being made its folder holds `.preparing/` with the request's fingerprint; a
finished one holds it in `dataset.toml`. Whoever finds another fingerprint keeps out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from birdml.dataset.audio import write_journal
from birdml.dataset.writing import read_origins
from birdml.errors import UserError
from birdml.files import locked, write_text
from birdml.forms import read_text, read_toml

WORK = ".preparing"
JOURNAL = "journal.jsonl"


@contextmanager
def claimed(folder: Path, fingerprint: str) -> Iterator[Path]:
    """Gives the working folder of a dataset that is ours, and keeps other processes out.

    Raises UserError where the folder holds anything else, or another process is at it.
    """
    _check(folder, fingerprint)
    work = folder / WORK
    write_text(work / "request", fingerprint)
    if (folder / "dataset.toml").is_file() and not (work / JOURNAL).exists():
        write_journal(work / JOURNAL, read_origins(folder))
    with locked(work / "lock", f"another process is preparing '{folder}'; wait for it"):
        yield work


def _check(folder: Path, fingerprint: str) -> None:
    marker = folder / WORK / "request"
    if (folder / "dataset.toml").is_file():
        about = read_toml(folder / "dataset.toml", "name a new folder with -P dataset=...")
        made = about.get("made", {})
        if not isinstance(made, dict) or made.get("request") != fingerprint:
            raise UserError(
                f"'{folder}' holds another dataset (another source, an earlier state of it, or "
                "another split); name a new folder with -P dataset=..."
            )
    elif marker.is_file():
        if read_text(marker, "name a new folder with -P dataset=...") != fingerprint:
            raise UserError(
                f"'{folder}' holds the beginning of another dataset; name a new folder with "
                "-P dataset=..., or remove it"
            )
    elif folder.exists() and not _is_empty(folder):
        raise UserError(
            f"'{folder}' exists and is no dataset; name a new or empty folder with -P dataset=..."
        )


def _is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing, or nothing but a working folder without a request."""
    return folder.is_dir() and all(
        path.name == WORK and not [p for p in path.iterdir() if not p.name.startswith(".request.")]
        for path in folder.iterdir()
    )
