"""What the rows of tables are made of, and how they become text."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from birdml.dataset.recording import SAMPLE_RATE, Species
from birdml.files import csv_text, writing

MARK = b"\xef\xbb\xbf"  # by which Excel knows UTF-8
WORDS = re.compile(r"[^\W\d_]+([ '-][^\W\d_]+)+")
LATIN = re.compile(r"[A-Z][a-z]+( [a-z]+){1,2}")


@dataclass(frozen=True)
class Sound:
    """A recording: `name` below the folder of recordings as the disk has it, and as text (`file`);
    `path` in whole; when it began (yyyy-mm-dd, hh:mm; empty where unknown); samples per second of
    the file, 0 where unknown."""

    name: str
    file: str
    path: str
    date: str = ""
    time: str = ""
    rate: int = 0

    @property
    def folder(self) -> str:
        """The folder of recordings, which `file` lies below."""
        return self.path.removesuffix(self.file).rstrip("/") or "/"

    @property
    def highest(self) -> float:
        """Hz up to which the file can hold sound."""
        return (self.rate or SAMPLE_RATE) / 2


@dataclass(frozen=True)
class Made:
    """By what detections were made: a model, its version in the registry, its species [C]."""

    model: str
    version: str
    species: tuple[Species, ...]


@dataclass(frozen=True)
class Part:
    """A recording that has tables: its name as the disk has it, and its length in seconds."""

    name: str
    seconds: float


def latin_name(species: Species) -> str:
    """The Latin name, or the class id where there is none."""
    return species.latin_name or species.class_id


def common_name(species: Species) -> str:
    """A class id that is a name in words and not the Latin one; else '': it is not known.

    >>> common_name(Species("Song_Thrush", "Turdus philomelos"))
    'Song Thrush'
    >>> common_name(Species("Turdus_musicus", "Turdus philomelos")), common_name(Species("turphi"))
    ('', '')
    """
    words = species.class_id.replace("_", " ").strip()
    if not species.latin_name or words.casefold() == species.latin_name.casefold():
        return ""
    return words if WORDS.fullmatch(words) and not LATIN.fullmatch(words) else ""


def moment(sound: Sound, seconds: float) -> tuple[str, str]:
    """Date and time of day (hh:mm) so many seconds into a recording; empty where unknown."""
    if not sound.time:
        return sound.date, ""
    clock = datetime.fromisoformat(f"{sound.date or '2000-01-01'} {sound.time}")
    try:
        then = clock + timedelta(seconds=seconds)
    except OverflowError:  # after the year 9999
        return sound.date, ""
    return f"{then:%Y-%m-%d}" if sound.date else "", f"{then:%H:%M}"


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV in UTF-8, marked as that where there are other letters than ASCII's."""
    text = csv_text(header, rows)
    # names of files that are no UTF-8 are written so that nothing is lost
    return (b"" if text.isascii() else MARK) + text.encode("utf-8", errors="backslashreplace")


def join_csv(target: Path, header: Sequence[str], tables: Sequence[Path]) -> None:
    """One table of the rows of all, line by line; a table that is gone is left out."""
    with writing(target) as whole:
        if any(map(_is_marked, tables)):
            whole.write(MARK)
        whole.write(csv_text(header, ()).encode())
        for table in tables:
            with suppress(FileNotFoundError), open(table, "rb") as part:
                next(part, None)
                whole.writelines(part)


def _is_marked(table: Path) -> bool:
    with suppress(FileNotFoundError), open(table, "rb") as part:
        return part.read(len(MARK)) == MARK
    return False
