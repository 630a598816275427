"""The five archives of BirdCLEF 2018, extracted to one folder.

Training recordings lie below `TrainingSet/` and `data/`, the monophone test below
`BirdCLEF2018MonophoneTest/`, the soundscapes below `val/data/` and `test/`; each recording has
an XML file of one tag per line. A copy sorted as the 2018 system sorts it (`train/<year>/`,
`test/2018/`, `soundscapes/val/`, `soundscapes/test/`) is read as well.
"""

import html
import re
from pathlib import Path

from tqdm import tqdm

from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording, Source, is_audio, walk

FOLDER = {
    "": "train",
    "test": "test",
    "soundscapes_val": "soundscapes/val",
    "soundscapes_test": "soundscapes/test",
}
FIELDS = {
    "Date": "date",
    "Time": "time",
    "Latitude": "latitude",
    "Longitude": "longitude",
    "Elevation": "elevation",
}
TAG = re.compile(r"<([A-Z][\w-]*)>(.*?)</\1\s*>", re.DOTALL)
LARGEST_XML = 1 << 20  # bytes; real ones have about 1000
YEAR = re.compile(r"(?:19|20)\d\d")
NUMBER = re.compile(r"_RN(\d+)")


def recognise(folder: Path) -> str | None:
    """Why a folder is taken for this layout, or None."""
    for path in walk(folder, []):
        if path.name.startswith("L") and path.suffix == ".xml":
            return f"it holds BirdCLEF metadata such as '{path.relative_to(folder)}'"
    return None


def split_of(path: Path) -> str | None:
    """The split that a path relative to the source belongs to; '' is train or valid."""
    folders = [part.lower() for part in path.parts[:-1]]
    if "birdclef2018monophonetest" in folders:
        return "test"
    for position, name in enumerate(folders):
        if name == "val":
            return "soundscapes_val"
        if name == "test":
            sorted_by_year = any(YEAR.fullmatch(f) for f in folders[position + 1 :])
            return "test" if sorted_by_year else "soundscapes_test"
        if name in ("trainingset", "train", "data"):
            return ""
    return None


def read(folder: Path) -> Source:
    """All recordings that have an `L*.xml`, and test audio that has none."""
    problems: list[Problem] = []
    metadata: dict[tuple[str, str], list[Path]] = {}
    audio: dict[tuple[str, str], list[Path]] = {}
    for path in walk(folder, problems):
        relative = path.relative_to(folder)
        split = split_of(relative)
        if split is None or not path.name.startswith("L"):
            continue
        if path.suffix == ".xml":
            metadata.setdefault((split, path.stem), []).append(path)
        elif is_audio(path):
            audio.setdefault((split, path.stem), []).append(path)
    recordings = []
    stems = sorted(metadata.keys() | audio.keys())
    for split, stem in tqdm(stems, desc="metadata", unit="files", leave=False, disable=None):
        origins = metadata.get((split, stem), [])
        for copy in range(max(1, len(origins))):
            origin = origins[copy] if origins else audio[split, stem][0]
            name = str(origin.relative_to(folder))
            tags = _tags(origin, name, problems) if origins else {}
            if tags is None and not split:
                continue
            tags = tags or {}
            if not split and not tags.get("ClassId", "").strip():
                problems.append(Problem(name, "ClassId", "", "left out: no species"))
                continue
            sounds = audio.get((split, stem), [])
            sound = sounds[min(copy, len(sounds) - 1)] if sounds else None
            recordings.append(_recording(split, stem, tags, name, sound))
    return Source("birdclef2018", recordings, problems)


def _recording(
    split: str, stem: str, tags: dict[str, str], origin: str, audio: Path | None
) -> RawRecording:
    year = stem[8:12]
    number = NUMBER.search(stem)
    place = FOLDER[split] + (f"/{year}" if split in ("", "test") else "")
    background = tags.get("BackgroundSpecies", "").strip("\r\n\t")
    return RawRecording(
        file=f"{place}/{stem}.wav",
        origin=origin,
        audio=audio,
        split=split,
        class_id=tags.get("ClassId", "").strip(),
        latin=" ".join((tags.get("Genus", "") + " " + tags.get("Species", "")).split()),
        # names are compared as they are, as in 2018: ` Ara macao` is no `Ara macao`
        background=tuple(name for name in background.split(",") if name.strip()),
        fields={name: tags.get(tag, "").strip() for tag, name in FIELDS.items()},
        media_id=number[1] if number else tags.get("MediaId", "").strip(),
        edition=year if YEAR.fullmatch(year) else "",
        recordist=tags.get("Author", "").strip(),
        place=tags.get("Locality", "").strip(),
        keep_broken=bool(split),
    )


def _tags(path: Path, name: str, problems: list[Problem]) -> dict[str, str] | None:
    """Tag -> text. Read without an XML parser: many files are not well-formed.

    None where the file is refused, which adds to the problems.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= LARGEST_XML else b""
    except OSError as error:
        problems.append(Problem(name, "", "", f"left out: unreadable ({error.strerror})"))
        return None
    if size > LARGEST_XML:
        problems.append(Problem(name, "", f"{size} bytes", "left out: too large for metadata"))
        return None
    if b"<!" in re.sub(rb"<!--.*?-->", b"", content, flags=re.DOTALL):
        problems.append(Problem(name, "", "<!", "left out: declares entities or a document type"))
        return None
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("latin-1")
        problems.append(Problem(name, "", "broken UTF-8", "read as Latin-1"))
    if "<Audio" not in text:
        problems.append(Problem(name, "", text[:40].strip(), "left out: no <Audio> in it"))
        return None
    return {tag: html.unescape(value) for tag, value in TAG.findall(text.split("<Audio", 1)[1])}
