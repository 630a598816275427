"""What a folder of results remembers: what made them, and of which files they are.

`journal.jsonl` has a line for each audio file that was predicted, with its place, size and time of
change: results count as long as that is the file they are asked of. `settings.json` says what the
results were made with.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from birdml.errors import UserError
from birdml.files import shown, stamp_of, write_text
from birdml.forms import read_json

JOURNAL = "journal.jsonl"
SETTINGS = "settings.json"


@dataclass(frozen=True)
class Entry:
    """A line of the journal: a file, which one it was, and what was noticed."""

    file: str
    source: str  # the whole path
    stamp: str  # size and time of change
    problem: str = ""
    faulty: bool = False
    seconds: float = 0.0


def settle(out: Path, settings: Mapping[str, object]) -> None:
    """Notes in `out` what its results are made with; UserError where they are made with other."""
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
                f"'{out}' holds predictions made with another {', '.join(differs)}: "
                "name another folder with -P out=FOLDER, or remove that one"
            )
        return
    write_text(path, json.dumps(settings, indent=1) + "\n")


def read_journal(out: Path) -> dict[str, Entry]:
    """The last line of each file; a line cut short by a kill counts as none."""
    found = {}
    with suppress(FileNotFoundError), open(out / JOURNAL, encoding="utf-8") as lines:
        for line in lines:
            with suppress(ValueError, TypeError):
                entry = Entry(**json.loads(line))
                found[entry.file] = entry
    return found


def append(out: Path, entry: Entry) -> None:
    with open(out / JOURNAL, "ab", buffering=0) as lines:
        lines.write(f"{json.dumps(asdict(entry))}\n".encode())


def place_of(path: Path) -> str:
    return shown(str(path.absolute()))


def is_same(entry: Entry, path: Path) -> bool:
    return entry.source == place_of(path) and entry.stamp == stamp_of(path)


def on_disk(text: str) -> str:
    """The name of a file as the disk has it, of what `shown` made of it."""
    plain = text.encode("utf-8").decode("unicode_escape", errors="ignore") if "\\x" in text else ""
    with suppress(UnicodeEncodeError):
        candidate = os.fsdecode(plain.encode("latin-1"))
        if plain and shown(candidate) == text:
            return candidate
    return text
