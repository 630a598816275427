"""Writing a prepared dataset, and whether it is still as it was written."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from birdml.dataset.annotated import ANNOTATIONS, Annotations, annotations_text
from birdml.dataset.prepared import (
    ADVICE,
    RECORDING_COLUMNS,
    SPECIES_COLUMNS,
    Dataset,
    open_dataset,
)
from birdml.dataset.problems import Problem, write_problems
from birdml.dataset.recording import SAMPLE_RATE, SPLITS, Recording, Species
from birdml.dataset.wav_files import wav_hash
from birdml.files import csv_text, write_text
from birdml.forms import read_table


@dataclass(frozen=True)
class Origin:
    """One row of `audio.csv`: what became of one raw file, with the hashes of it and of the WAV.

    It names also the files that were left out: broken ones (no `wav_hash`) and second copies.
    """

    file: str
    source: str
    source_hash: str
    wav_hash: str
    remarks: str = ""


def _plain(number: float | None) -> str:
    return "" if number is None else repr(float(number)).removesuffix(".0")


def _recording_row(recording: Recording) -> list[object]:
    row: list[object] = [getattr(recording, column) for column in RECORDING_COLUMNS]
    row[RECORDING_COLUMNS.index("background")] = " ".join(recording.background)
    for column in ("latitude", "longitude", "elevation"):
        row[RECORDING_COLUMNS.index(column)] = _plain(getattr(recording, column))
    return row


def _species_text(species: Sequence[Species]) -> str:
    return csv_text(
        SPECIES_COLUMNS,
        [
            (label, s.class_id, s.latin_name, " ".join(s.editions))
            for label, s in enumerate(species)
        ],
    )


def dataset_digest(
    species: Sequence[Species],
    recordings: Sequence[Recording],
    source_hashes: Mapping[str, str],
    marked: Annotations | None = None,
) -> str:
    """16 hexadecimal digits of what a dataset holds: species, recordings and their raw files.

    Converted samples do not enter: decoders may differ in the last bit between processors, and
    the digest must not. A recordist counts where one is named: datasets from before have none.
    Marks count where there are any.
    """
    digest = hashlib.sha256(_species_text(species).encode())
    for recording in sorted(recordings, key=lambda r: r.file):
        row = csv_text((), [_recording_row(recording)[: None if recording.recordist else -1]])
        digest.update(f"{row}{source_hashes.get(recording.file, '')}\n".encode())
    if marked is not None:
        digest.update(annotations_text(marked, [s.class_id for s in species]).encode())
    return digest.hexdigest()[:16]


def write_dataset(
    folder: Path,
    name: str,
    species: Sequence[Species],
    recordings: Sequence[Recording],
    origins: Sequence[Origin] = (),
    problems: Sequence[Problem] = (),
    made: Mapping[str, object] | None = None,
    marked: Annotations | None = None,
) -> Dataset:
    """Writes all but the WAV files, which must be there, and opens the result.

    Recordings are written in the order of splits and names; `made` tells how it was made.
    """
    problems = sorted(set(problems))
    recordings = sorted(recordings, key=lambda r: (SPLITS.index(r.split), r.file))
    write_problems(folder, problems)
    write_text(folder / "species.csv", _species_text(species))
    write_text(
        folder / "audio.csv",
        csv_text(
            tuple(Origin.__dataclass_fields__),
            [astuple(origin) for origin in sorted(origins, key=lambda o: o.file)],
        ),
    )
    rows = [_recording_row(r) for r in recordings]
    write_text(folder / "recordings.csv", csv_text(RECORDING_COLUMNS, rows))
    counts = {
        "recordings": len(recordings),
        "species": len(species),
        **{split: sum(r.split == split for r in recordings) for split in SPLITS},
        "seconds": round(sum(r.samples for r in recordings) / SAMPLE_RATE),
        "problems": len(problems),
    }
    if marked is not None:
        counts |= {"annotated": len(marked.files), "marks": len(marked)}
        text = annotations_text(marked, [s.class_id for s in species])
        write_text(folder / ANNOTATIONS, text)
    digest = dataset_digest(species, recordings, {o.file: o.source_hash for o in origins}, marked)
    lines = [f"name = {_toml(name)}", f"digest = {_toml(digest)}", "", "[counts]"]
    lines += [f"{key} = {_toml(value)}" for key, value in counts.items()]
    lines += ["", "[made]", *(f"{key} = {_toml(value)}" for key, value in (made or {}).items())]
    write_text(folder / "dataset.toml", "\n".join(lines) + "\n")
    return open_dataset(folder)


def _toml(value: object) -> str:
    """A TOML value; JSON's notation of text and numbers is also TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_origins(folder: Path) -> list[Origin]:
    """The rows of `audio.csv`; none where the dataset was not made by `prepare`."""
    path = folder / "audio.csv"
    if not path.is_file():
        return []
    names = tuple(Origin.__dataclass_fields__)
    rows = read_table(path, names[:-1], ADVICE, optional=names[-1:])
    return [Origin(**{name: row[name] for name in names}) for _, row in rows]


def verify(dataset: Dataset) -> list[str]:
    """What of a dataset is not as it was written; empty where all is well.

    Reads every WAV file (about 1 GB/s).
    """
    origins = read_origins(dataset.folder)
    hashes = {o.file: o.source_hash for o in origins}
    faults = []
    digest = dataset_digest(dataset.species, dataset.recordings, hashes, dataset.annotations)
    if digest != dataset.digest:
        marks = ", annotations.csv" if dataset.annotations is not None else ""
        faults.append(
            f"recordings.csv, species.csv{marks} or audio.csv were changed: the digest differs"
        )
    held = {recording.file for recording in dataset.recordings}
    for origin in origins:
        if origin.file not in held:
            continue
        if wav_hash(dataset.folder / "audio" / origin.file) != origin.wav_hash:
            faults.append(f"audio/{origin.file} is missing or was changed")
    return faults
