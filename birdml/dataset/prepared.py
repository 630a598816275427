"""A prepared dataset on disk: `recordings.csv`, `species.csv`, `dataset.toml` and `audio/`.

`dataset.toml` is written last: its presence is the mark that a dataset is complete.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np

from birdml.dataset.annotated import ANNOTATIONS, Annotations, read_annotations
from birdml.dataset.paths import contained
from birdml.dataset.recording import SPLITS, Recording, Species
from birdml.errors import UserError
from birdml.forms import Rows, read_table, read_toml


@dataclass(frozen=True)
class Dataset:
    """A prepared dataset, opened for reading.

    Recordings keep the order of `recordings.csv`; labels are indices into `species`.
    """

    folder: Path
    name: str
    digest: str
    species: tuple[Species, ...]
    recordings: tuple[Recording, ...]
    counts: dict = field(default_factory=dict)
    made: dict = field(default_factory=dict)  # how it was made
    annotations: Annotations | None = None  # what sings when, in recordings annotated through

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class ids in label order (C)."""
        return tuple(s.class_id for s in self.species)

    @cached_property
    def label_of(self) -> dict[str, int]:
        """Class id -> label."""
        return {class_id: label for label, class_id in enumerate(self.classes)}

    @property
    def has_audio(self) -> bool:
        return any(r.samples for r in self.recordings)

    def split(self, name: str) -> list[Recording]:
        """The recordings of one split, in order; empty where the dataset has none."""
        return [r for r in self.recordings if r.split == name]

    def audio_path(self, recording: Recording) -> Path:
        return self.folder / "audio" / recording.file

    def foreground(self, recordings: Sequence[Recording]) -> np.ndarray:
        """Labels of the foreground species, int64 [N]; -1 where unknown."""
        return np.array([self.label_of.get(r.species, -1) for r in recordings], dtype=np.int64)

    def present(self, recordings: Sequence[Recording]) -> np.ndarray:
        """Foreground and background species, bool [N, C]."""
        present = np.zeros((len(recordings), len(self.classes)), dtype=bool)
        for row, recording in enumerate(recordings):
            for class_id in (recording.species, *recording.background):
                label = self.label_of.get(class_id)
                if label is not None:
                    present[row, label] = True
        return present


SPECIES_COLUMNS = ("label", "class_id", "latin_name", "editions")
RECORDING_COLUMNS = tuple(Recording.__dataclass_fields__)
ADVICE = "prepare the dataset again, or bring back the file as it was"


def open_dataset(folder: str | Path) -> Dataset:
    """Opens a dataset that `prepare` made.

    Raises UserError where the folder is missing, is no prepared dataset, holds no recordings, or
    one of its files is broken.
    """
    folder = Path(folder)
    about = read_toml(folder / "dataset.toml", ADVICE)
    if not isinstance(about.get("name"), str) or not isinstance(about.get("digest"), str):
        raise UserError(f"'{folder / 'dataset.toml'}' has no name or no digest: {ADVICE}")
    counts, made = (
        part if isinstance(part := about.get(key, {}), dict) else {} for key in ("counts", "made")
    )
    kinds, rows = folder / "species.csv", folder / "recordings.csv"
    columns, later = RECORDING_COLUMNS[:-1], RECORDING_COLUMNS[-1:]
    of_species = read_table(kinds, SPECIES_COLUMNS, ADVICE)
    of_recordings = read_table(rows, columns, ADVICE, optional=later)
    species, recordings = _species(kinds, of_species), _recordings(rows, of_recordings)
    if not recordings:
        raise UserError(f"the dataset at '{folder}' holds no recordings; prepare it again")
    marked = None
    path = folder / ANNOTATIONS
    if "annotated" in counts:
        label_of = {s.class_id: label for label, s in enumerate(species)}
        marked = read_annotations(path, recordings, label_of, ADVICE)
    elif path.exists():
        raise UserError(
            f"'{path}' is none that this dataset was prepared with: prepare it in a new folder "
            "with -P annotations=TABLE_OR_FOLDER"
        )
    return Dataset(
        folder, about["name"], about["digest"], species, recordings, counts, made, marked
    )


def _species(path: Path, rows: Rows) -> tuple[Species, ...]:
    labels: dict[str, Species] = {}
    for line, row in rows:
        if not row["class_id"] or row["label"] in labels:
            raise UserError(f"'{path}', line {line}: no class id, or a label again: {ADVICE}")
        labels[row["label"]] = Species(
            row["class_id"], row["latin_name"], tuple(row["editions"].split())
        )
    if set(labels) != {str(label) for label in range(len(labels))}:
        raise UserError(f"'{path}': the labels are not 0, 1, 2, ...: {ADVICE}")
    if len({s.class_id for s in labels.values()}) < len(labels):
        raise UserError(f"'{path}' has a class id twice: {ADVICE}")
    return tuple(labels[str(label)] for label in range(len(labels)))


def _recordings(path: Path, rows: Rows) -> tuple[Recording, ...]:
    recordings = []
    seen: set[str] = set()
    for line, row in rows:
        try:
            recordings.append(_recording(row))
        except ValueError as error:
            raise UserError(f"'{path}', line {line}: {error}: {ADVICE}") from None
        if row["file"] in seen:
            raise UserError(f"'{path}', line {line}: '{row['file']}' stands twice: {ADVICE}")
        seen.add(row["file"])
    return tuple(recordings)


def _recording(row: dict[str, str]) -> Recording:
    """A row as a recording; ValueError in words for a value that can't be."""
    if contained(row["file"]) is None:
        raise ValueError(f"'{row['file'][:80]}' leads out of audio/, or can't be a name")
    if row["split"] not in SPLITS:
        raise ValueError(f"the split '{row['split'][:80]}' is none of {', '.join(SPLITS)}")
    numbers = {}
    for name, limit in (("latitude", 90.0), ("longitude", 180.0), ("elevation", 1e5)):
        numbers[name] = float(row[name]) if row[name] else None
        if not abs(numbers[name] or 0) <= limit:
            raise ValueError(f"{name} {row[name][:80]} is not in -{limit:g}..{limit:g}")
    samples = int(row["samples"] or 0)
    if not 0 <= samples < 1 << 48:
        raise ValueError(f"{row['samples'][:80]} samples can't be")
    if row["date"]:
        date.fromisoformat(row["date"])
    if row["time"] and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", row["time"]):
        raise ValueError(f"time '{row['time'][:80]}' is not hh:mm")
    return Recording(
        file=row["file"],
        split=row["split"],
        species=row["species"],
        background=tuple(row["background"].split()),
        media_id=row["media_id"],
        edition=row["edition"],
        date=row["date"],
        time=row["time"],
        samples=samples,
        recordist=row["recordist"],
        **numbers,  # type: ignore[arg-type]
    )
