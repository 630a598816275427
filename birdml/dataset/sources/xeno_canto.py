"""Answers of the xeno-canto API, versions 2 and 3: JSON pages of recordings.

Audio files are optional: any file called `XC<id>*` below the folder of the audio.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording, Source, is_audio, walk

FIELDS = {
    "date": ("date",),
    "time": ("time",),
    "latitude": ("lat",),
    "longitude": ("lng", "lon"),
    "elevation": ("alt", "elev"),
}
NO_SPECIES = ("mystery", "sonus")  # genera that stand for unknown birds and for soundscapes
NUMBER = re.compile(r"xc[ _-]?(\d+)(?!\d)", re.IGNORECASE)


def recognise(source: Path) -> str | None:
    """Why a file or folder is taken for this layout, or None."""
    for path in _pages(source, []):
        try:
            page = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(page, dict) and isinstance(page.get("recordings"), list):
            return f"'{path.name}' is a page of the xeno-canto API"
    return None


def read(source: Path, audio: Path | None = None) -> Source:
    """All recordings of all pages, each id once."""
    problems: list[Problem] = []
    base = source if source.is_dir() else source.parent
    sounds: dict[str, Path] = {}
    for path in walk(audio or base, problems if audio else []):
        match = NUMBER.match(path.stem)
        if match and is_audio(path):
            sounds.setdefault(match[1], path)
    recordings: dict[str, RawRecording] = {}
    for path in _pages(source, problems):
        name = str(path.relative_to(base))
        for entry in _entries(path, name, problems):
            number = str(entry.get("id") or "")
            if not number.isdecimal():
                problems.append(Problem(name, "id", number, "left out: no id"))
            elif number in recordings:
                problems.append(Problem(name, "id", number, "left out: the same recording again"))
            else:
                sound = sounds.pop(number, None)
                recording = _recording(number, entry, name, sound)
                if recording is None:
                    species = f"{entry.get('gen')} {entry.get('sp')}"
                    problems.append(Problem(f"XC{number}", "species", species, "left out"))
                else:
                    recordings[number] = recording
    for path in sounds.values():
        problems.append(Problem(path.name, "", "", "left out: in none of the pages"))
    if not any(r.audio for r in recordings.values()):
        for recording in recordings.values():
            recording.file = recording.file.removesuffix(".wav")
    return Source("xeno-canto", list(recordings.values()), problems)


def _pages(source: Path, problems: list[Problem]) -> Iterator[Path]:
    paths = [source] if source.is_file() else walk(source, problems)
    return (path for path in paths if path.suffix.lower() == ".json")


def _entries(path: Path, name: str, problems: list[Problem]) -> list[dict[str, Any]]:
    try:
        entries = json.loads(path.read_bytes())["recordings"]
        if not all(isinstance(entry, dict) for entry in entries):
            raise ValueError("its recordings are no objects")
        return entries
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        problems.append(Problem(name, "", "", f"left out: no xeno-canto page ({error})"))
        return []


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _recording(
    number: str, entry: dict[str, Any], origin: str, audio: Path | None
) -> RawRecording | None:
    genus, species = _text(entry.get("gen")), _text(entry.get("sp"))
    if not genus or genus.lower() in NO_SPECIES or species.strip(".") in ("", "sp", "spec"):
        return None
    also = entry.get("also")
    return RawRecording(
        file=f"XC{number}.wav",
        origin=f"{origin}: XC{number}",
        audio=audio,
        latin=f"{genus} {species}",
        background=tuple(_text(name) for name in also if _text(name))
        if isinstance(also, list)
        else (),
        fields={
            field: next((_text(entry[key]) for key in keys if key in entry), "")
            for field, keys in FIELDS.items()
        },
        media_id=number,
        recordist=_text(entry.get("rec")),
        place=_text(entry.get("loc")),
    )
