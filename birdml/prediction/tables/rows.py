"""What the rows of tables are made of, and how they become text."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from birdml.dataset.circumstances import Circumstances
from birdml.dataset.recording import SAMPLE_RATE, Species
from birdml.errors import UserError
from birdml.files import csv_text, writing

MOST_BYTES = 1 << 30  # of a table of a whole folder: about 10 million rows
MARK = b"\xef\xbb\xbf"  # by which Excel knows UTF-8
WORDS = re.compile(r"[^\W\d_]+([ '-][^\W\d_]+)+")
LATIN = re.compile(r"[A-Z][a-z]+( [a-z]+){1,2}")


@dataclass(frozen=True)
class NamedRecording:
    """A recording: `name` below the folder of recordings as the disk has it, and as text (`file`);
    `path` in whole; when it began (yyyy-mm-dd, hh:mm; empty where unknown); samples per second of
    the file, 0 where unknown. `field` is when and where in full, where tables shall tell it."""

    name: str
    file: str
    path: str
    date: str = ""
    time: str = ""
    rate: int = 0
    field: Circumstances | None = None

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
    """By what detections were made: a model, its version in the registry, its species [C], and
    their common names where a table of them is given."""

    model: str
    version: str
    species: tuple[Species, ...]
    common: tuple[str, ...] = ()

    def common_name(self, label: int) -> str:
        """The name in the table, else what the class id says; '' where it is not known."""
        given = self.common[label] if self.common else ""
        return given or common_name(self.species[label])

    @property
    def settings(self) -> dict[str, str]:
        """What tables depend on."""
        text = "\n".join(self.common)
        return {"names": hashlib.sha256(text.encode()).hexdigest()[:16]} if self.common else {}


@dataclass(frozen=True)
class Part:
    """A recording that has tables: its name as the disk has it, its length in seconds, the date of
    its beginning and its site (None where tables have none)."""

    name: str
    seconds: float
    date: str = ""
    site: str | None = None


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


def moment(sound: NamedRecording, seconds: float) -> tuple[str, str]:
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


def field_cells(sound: NamedRecording, seconds: float) -> tuple[object, ...]:
    """Site, latitude, longitude, and the time of day to the second so far into a recording, in ISO
    8601 with its zone where that is known; nothing where tables don't tell them."""
    field = sound.field
    if field is None:
        return ()
    place = ("" if v is None else f"{v:.9g}" for v in (field.latitude, field.longitude))
    then = "" if field.begin is None else wall_clock(field.begin, seconds)
    return (field.site, *place, then)


def wall_clock(begin: datetime, seconds: float) -> str:
    """
    >>> wall_clock(datetime(2023, 5, 12, 23, 59, 50), 12.25)
    '2023-05-13T00:00:02'
    """
    step = timedelta(seconds=int(seconds))
    if begin.tzinfo is not None:  # also over a night in which clocks are changed
        return (begin.astimezone(UTC) + step).astimezone(begin.tzinfo).isoformat()
    return (begin + step).isoformat()


class TooLarge(Exception):
    """A table of the whole folder that nothing would open."""


def join_csv(target: Path, header: Sequence[str], tables: Iterable[Path]) -> None:
    """One table of the rows of all, line by line; a table that is gone is left out.

    Raises TooLarge, and leaves none, where it would have more than MOST_BYTES.
    """
    tables = list(tables)
    try:
        if not _joined(target, header, tables, b""):
            _joined(target, header, tables, MARK)
    except TooLarge:
        target.unlink(missing_ok=True)
        raise


def _joined(target: Path, header: Sequence[str], tables: Sequence[Path], mark: bytes) -> bool:
    """Whether the table was written: not where one of them is marked and it is not."""
    text = csv_text(header, ()).encode()
    with suppress(_Marked), writing(target) as whole:
        size = whole.write(mark + text)
        for table in tables:
            with suppress(FileNotFoundError), open(table, "rb") as part:
                first = next(part, b"")
                if first.startswith(MARK) and not mark:
                    raise _Marked
                if first.removeprefix(MARK) not in (text, b""):
                    raise UserError(f"'{table}' has other columns than '{target}': remove it")
                while block := part.read(1 << 20):
                    size += whole.write(block)
            if size > MOST_BYTES:
                raise TooLarge
        return True
    return False


class _Marked(Exception):
    pass
