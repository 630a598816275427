"""Answers of the xeno-canto API, versions 2 and 3: JSON pages of recordings.

Audio files are optional: any file that is named by its number below the folder of the audio.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from birdml.dataset.names import names_no_species, one_spelling
from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording, Source, is_audio, walk
from birdml.dataset.reading import reading_of
from birdml.dataset.sources.sounds import Sounds

FIELDS = {
    "date": ("date",),
    "time": ("time",),
    "latitude": ("lat",),
    "longitude": ("lng", "lon"),
    "elevation": ("alt", "elev"),
}
NO_SPECIES = ("mystery", "sonus")  # genera that stand for unknown birds and for soundscapes


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
    files = walk(audio or base, problems if audio else [])
    sounds = Sounds([path for path in files if is_audio(path)], audio or base)
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
                recording = _recording(number, entry, name)
                if recording is None:
                    species = f"{entry.get('gen')} {entry.get('sp')}"
                    problems.append(Problem(f"XC{number}", "species", species, "left out"))
                else:
                    recordings[number] = recording
    everything = list(recordings.values())
    ids = list(recordings)
    found = sounds.of_rows([""] * len(ids), ids, [""] * len(ids))
    for recording, sound in zip(everything, found, strict=True):
        recording.audio, recording.silent_for = sound.path, sound.reason
        if not sounds.paths:
            recording.file = recording.file.removesuffix(".wav")
    for unused in sounds.unused():
        problems.append(Problem(unused, "", "", "left out: in none of the pages"))
    one_spelling(everything, problems)
    values = {f: [r.fields.get(f, "") for r in everything] for f in FIELDS}
    return Source("xeno-canto", everything, problems, reading=reading_of(values))


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


def _recording(number: str, entry: dict[str, Any], origin: str) -> RawRecording | None:
    genus, species = _text(entry.get("gen")), _text(entry.get("sp"))
    if not genus or not species or genus.lower() in NO_SPECIES:
        return None
    if names_no_species(f"{genus} {species}"):
        return None
    also = entry.get("also")
    return RawRecording(
        file=f"XC{number}.wav",
        origin=f"{origin}: XC{number}",
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
        licence=_text(entry.get("lic")),
    )
