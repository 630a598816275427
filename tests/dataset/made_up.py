"""Small made-up sources."""

import csv
from pathlib import Path

import numpy as np
import soundfile

from birdml.dataset.decoders.notes import Notes
from birdml.dataset.decoding import decode


def sound(seed: int, seconds: float = 0.5, rate: int = 22050, channels: int = 1) -> np.ndarray:
    """A noisy tone, float32 [S] or [S, channels]."""
    rng = np.random.default_rng([seed, channels])
    time = np.arange(int(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * (500 + 100 * (seed % 30)) * time)
    noise = 0.05 * rng.standard_normal((len(time), channels))
    samples = (tone[:, None] + noise).astype(np.float32)
    return samples[:, 0] if channels == 1 else samples


def audio_file(path: Path, seed: int, seconds=0.5, rate=22050, channels=1, **form) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound(seed, seconds, rate, channels), rate, **form)
    return path


def heard(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """A file's sound, int16 [S], and what was said of it."""
    notes = Notes()
    samples = np.concatenate(list(decode(path, notes)))
    return samples, notes.said()


def species_folders(folder: Path, species: int = 3, each: int = 6) -> Path:
    """One folder of WAV files per species."""
    for s in range(species):
        for i in range(each):
            audio_file(folder / f"Genus_species{'abcdefgh'[s]}" / f"r{i}.wav", 100 * s + i)
    return folder


XML = """<Audio>
<MediaId>{number}</MediaId>
<ClassId>{class_id}</ClassId>
<Date>{date}</Date>
<Time>{time}</Time>
<Locality>Camp &amp; river</Locality>
<Latitude>-3.5</Latitude>
<Longitude>-60.25</Longitude>
<Elevation>{elevation}</Elevation>
<Author>{author}</Author>
<BackgroundSpecies>{background}</BackgroundSpecies>
<Genus>{genus}</Genus>
<Species>{species}</Species>
</Audio>
"""


def xml(path: Path, number: int, class_id: str = "aaaaaa", **values: str) -> Path:
    """One recording's metadata as in the BirdCLEF archives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    defaults = {
        "date": "2012-05-06",
        "time": "07:30",
        "elevation": "100",
        "author": f"Person {number}",
        "background": "",
        "genus": "Genus",
        "species": class_id,
    }
    path.write_text(XML.format(number=number, class_id=class_id, **(defaults | values)))
    return path


def table(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def problems_of(folder: Path) -> list[tuple[str, str, str, str]]:
    with open(folder / "problems.csv", newline="", encoding="utf-8") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
