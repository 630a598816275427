"""What a folder of results remembers: what made them, and of which files they are.

`journal.jsonl` has a line for each audio file that was predicted, with its place, size and time of
change: results count as long as that is the file they are asked of. Lines are only added, each with
its checksum. `settings.json` says what the results were made with.
"""

import errno
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import MISSING, asdict, dataclass, field, fields
from io import FileIO
from pathlib import Path

from birdml.errors import UserError
from birdml.files import shown, write_error, write_text
from birdml.forms import read_json

JOURNAL = "journal.jsonl"
SETTINGS = "settings.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal: a file, which one it was, what was noticed, when and where it is of.

    `about` is what tables of sites and files said of it, `at` when it began (ISO 8601, as far as it
    is known)."""

    file: str
    source: str  # the whole path
    stamp: str  # size and time of change
    problem: str = ""
    faulty: bool = False
    seconds: float = 0.0
    about: str = ""
    at: str = ""
    site: str = ""
    latitude: float | None = None
    longitude: float | None = None

    @property
    def date(self) -> str:
        """yyyy-mm-dd, or empty."""
        return self.at[:10] if self.at[:1].isdigit() else ""


DEFAULTS = {f.name: f.default for f in fields(Entry) if f.default is not MISSING}


@dataclass
class Journal:
    """The last line of each file; `joined`: the forms whose tables of the folder were made after
    the last of them, with their files as they were then."""

    entries: dict[str, Entry] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)


def keep_settings(out: Path, settings: Mapping[str, object], called: object = None) -> None:
    """Notes in `out` (`called` so to users) what its results are made with; UserError where they
    are made with other."""
    if out.exists() and not out.is_dir():
        raise UserError(f"'{out}' is a file: name a folder for the results with -P out=FOLDER")
    path = out / SETTINGS
    if path.exists():
        there = read_json(path, "name another folder with -P out=FOLDER, or remove that one")
        settings = json.loads(json.dumps(settings))
        keys = settings.keys() | (there.keys() if isinstance(there, dict) else set())
        differs = sorted(
            key
            for key in keys
            if not isinstance(there, dict) or there.get(key) != settings.get(key)
        )
        if differs:
            raise UserError(
                f"'{called or out}' holds predictions made with another {', '.join(differs)}: "
                "name another folder with -P out=FOLDER, or remove that one"
            )
        return
    write_text(path, json.dumps(settings, indent=1) + "\n")


def read_journal(out: Path) -> Journal:
    """What a folder remembers; a line that was cut short, or is not as it was written, counts as
    none. Raises UserError where it can't be read."""
    found = Journal()
    try:
        with suppress(FileNotFoundError), open(out / JOURNAL, "rb") as lines:
            for line in lines:
                values = _checked(line)
                if values is None:
                    continue
                if "joined" in values:
                    found.joined = values["joined"]
                    continue
                with suppress(TypeError):
                    entry = Entry(**values)
                    found.entries[entry.file] = entry
                    found.joined = {}
    except OSError as error:
        raise UserError(f"can't read '{out / JOURNAL}': {error.strerror or error}") from None
    return found


class Writer:
    """Adds lines to the journal of a folder, each whole with a checksum at its end."""

    def __init__(self, out: Path):
        self._path = out / JOURNAL
        with self._writing() as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                with open(self._path, "rb") as before:
                    before.seek(size - 1)
                    torn = before.read(1) != b"\n"
                if torn:  # by a kill or a full disk
                    file.write(b"\n")

    def add(self, entry: Entry) -> None:
        """Raises UserError where there is no room for it."""
        values = asdict(entry)
        self._write({k: v for k, v in values.items() if k not in DEFAULTS or v != DEFAULTS[k]})

    def joined(self, forms: Mapping[str, str]) -> None:
        """Notes that the tables of the folder hold all files so far."""
        self._write({"joined": dict(forms)})

    def _write(self, values: Mapping[str, object]) -> None:
        text = json.dumps(values)[:-1].encode()
        with self._writing() as file:
            line = b'%s, "check": "%08x"}\n' % (text, zlib.crc32(text))
            if file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    @contextmanager
    def _writing(self) -> Iterator[FileIO]:
        try:
            with open(self._path, "ab", buffering=0) as file:
                yield file
        except OSError as error:
            raise write_error(error, self._path) from error


def _checked(line: bytes) -> dict | None:
    """The values of a line; None where they are not what was written."""
    text, mark, check = line.rpartition(b', "check": "')
    if mark and check[8:] == b'"}\n' and check[:8] != b"%08x" % zlib.crc32(text):
        return None
    with suppress(ValueError):
        values = json.loads(line)
        if isinstance(values, dict):
            values.pop("check", None)
            return values
    return None


def on_disk(text: str) -> str:
    """The name of a file as the disk has it, of what `shown` made of it."""
    plain = text.encode("utf-8").decode("unicode_escape", errors="ignore") if "\\x" in text else ""
    with suppress(UnicodeEncodeError):
        candidate = os.fsdecode(plain.encode("latin-1"))
        if plain and shown(candidate) == text:
            return candidate
    return text
