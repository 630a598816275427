"""What every source is read into before anything is repaired, split or converted."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from birdml.dataset.problems import Problem
from birdml.dataset.reading import ValueReading
from birdml.dataset.recording import Species
from birdml.errors import UserError

AUDIO_SUFFIXES = frozenset(
    {
        *(".wav", ".wave", ".w64", ".rf64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif"),
        *(".aiff", ".aifc", ".au", ".snd", ".caf"),  # by libsndfile; the others by ffmpeg
        *(".m4a", ".mp4", ".aac", ".wma", ".amr", ".ac3", ".wv", ".ape", ".webm", ".3gp"),
        *(".mp2", ".mpga", ".mka", ".mkv", ".mov", ".3gpp", ".3ga", ".avi", ".tta", ".dsf"),
        *(".wac", ".voc", ".8svx", ".ra"),  # some of them no program here reads: they are listed
    }
)
OTHER_SUFFIXES = frozenset(".csv .tsv .txt .json .xml .toml .png .jpg .pdf .py .zip".split())
MARKS = (  # how files of sound begin: at which byte, with what
    *((8, b"WAVE"), (0, b"fLaC"), (0, b"OggS"), (0, b"ID3"), (0, b".snd"), (0, b"caff")),
    *((8, b"AIFF"), (8, b"AIFC"), (4, b"ftyp"), (0, b"wvpk"), (0, b"MAC "), (0, b"#!AMR")),
    *((0, b"\x1aE\xdf\xa3"), (0, b"0&\xb2u\x8ef\xcf\x11"), (0, b"riff.\x91\xcf\x11")),
    *((0, b"\xff\xfb"), (0, b"\xff\xf3"), (0, b"\xff\xfa"), (0, b"\xff\xf1"), (0, b"\xff\xf9")),
    *((0, b"\xff\xfc"), (0, b"\xff\xfd"), (0, b"\xff\xf2"), (0, b"\xff\xf4"), (0, b"\xff\xf5")),
)
HEAD = 16  # bytes of a file that MARKS are looked for in
FOR_TRAINING = ("", "train", "valid")  # splits of recordings that are learned from, or will be


@dataclass(slots=True)
class RawRecording:
    """One recording as a source describes it; all values are the source's own text.

    A recording without a `split` is divided between train and valid later. A recording of the
    splits train and valid needs a species: a `class_id`, or a `latin` name where the source has
    no class ids.
    """

    file: str  # where it goes below audio/; without suffix where there is no audio
    origin: str  # the file of the source that it comes from, for problems.csv
    audio: Path | None = None
    audio_name: str = ""  # the same relative to the source
    split: str = ""
    class_id: str = ""
    latin: str = ""
    background: tuple[str, ...] = ()  # class ids or latin names
    fields: dict[str, str] = field(default_factory=dict)  # date, time, latitude, ...
    media_id: str = ""
    edition: str = ""
    recordist: str = ""
    place: str = ""
    licence: str = ""
    keep_broken: bool = False  # broken audio becomes silence instead of being left out
    noise: bool = False  # a recording of nothing: no species sings, and that is known
    silent_for: str = "no audio: the source has none for it"  # why there is none, if so


@dataclass
class Source:
    """All recordings of a source, and what was noticed while reading it."""

    layout: str
    recordings: list[RawRecording]
    problems: list[Problem] = field(default_factory=list)
    species: tuple[Species, ...] = ()  # the label set, where the source has one of its own
    prepared: bool = False  # the audio already is mono 16-bit WAV at SAMPLE_RATE
    notes: list[str] = field(default_factory=list)  # how it was read, to be said
    reading: ValueReading = field(default_factory=ValueReading)  # of dates, elevations, coordinates


def walk(folder: Path, problems: list[Problem]) -> Iterator[Path]:
    """All files below a folder in sorted order, without the litter that macOS leaves.

    Links to folders are followed once; what can't be read is added to the problems.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder '{folder}'; name one that exists")

    def unreadable(error: OSError) -> None:
        place = os.path.relpath(error.filename or folder, folder)
        problems.append(Problem(place, "", "", f"left out: unreadable ({error.strerror})"))

    seen = set()
    for parent, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(f for f in folders if f != "__MACOSX" and not f.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(parent, name)


def is_audio(path: Path) -> bool:
    """Whether a file is one to listen to: by its suffix, else by how it begins.

    Pipes and devices are none, whatever they are called.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
    except OSError:
        return path.suffix.lower() in AUDIO_SUFFIXES  # it will be listed as unreadable
    told = told_by_suffix(path.name)
    if told is not None:
        return told
    try:
        with open(path, "rb") as file:
            return begins_as_audio(file.read(HEAD))
    except OSError:
        return False


def told_by_suffix(name: str) -> bool | None:
    """Whether a file of this name is one to listen to; None where the name does not tell."""
    suffix = Path(name).suffix.lower()
    return suffix in AUDIO_SUFFIXES if suffix in AUDIO_SUFFIXES | OTHER_SUFFIXES else None


def begins_as_audio(head: bytes) -> bool:
    """Whether these first bytes (HEAD of them) are those of a file of sound."""
    return any(head[at : at + len(mark)] == mark for at, mark in MARKS)


def safe_name(text: str) -> str:
    """A text as the name of a file: no separators, blanks, leading dots or control characters."""
    return re.sub(r"\.{2,}", ".", re.sub(r"[^\w.+()~-]+", "_", text)).lstrip(".") or "_"
