"""From combined logits of a dataset's splits to checked files of the challenge.

What computes the logits is handed in, so that this knows no models and no MLflow. A file bears its
name only after the checker found nothing in it.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE, Recording
from birdml.errors import UserError
from birdml.submission.checker import check
from birdml.submission.files import (
    MOST_CLASSES,
    WINDOW,
    class_limit,
    media_ids,
    write_monophone,
    write_soundscape,
    written_whole,
)
from birdml.submission.lines import Item
from birdml.submission.probabilities import check_kind, edition_classes, rule_out

SPLITS = {  # split -> (kind of file, its name)
    "test": ("mono", "mono.csv"),
    "soundscapes_val": ("soundscape", "soundscape_val.csv"),
    "soundscapes_test": ("soundscape", "soundscape_test.csv"),
}
FORBIDDEN = set(";\r\n")
TASKS = ("all", "mono", "soundscape")


class SplitLogits(Protocol):
    """Logits of one split, one row per recording or window, in the order of the recordings."""

    @property
    def files(self) -> list[str]: ...
    @property
    def starts(self) -> np.ndarray | None: ...
    @property
    def logits(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Written:
    """One finished file: its split, how many recordings or windows and lines it has."""

    path: Path
    split: str
    items: int
    lines: int
    unfiltered: int | None  # recordings whose edition has no label set; None without the filter


def splits_of(dataset: Dataset, task: str) -> list[str]:
    """The splits of a dataset that a task is about; those without recordings are left out.

    Raises:
        UserError: for an unknown task, or where no such split has recordings.
    """
    if task not in TASKS:
        raise UserError(f"no task called '{task}'; choose one of {', '.join(TASKS)}")
    wanted = [split for split, (kind, _) in SPLITS.items() if task in ("all", kind)]
    found = [split for split in wanted if dataset.split(split)]
    if not found:
        raise UserError(
            f"nothing to submit: the dataset at '{dataset.folder}' has no recordings in "
            f"{' or '.join(wanted)}"
        )
    return found


def check_label_set(
    classes: Sequence[str], dataset: Dataset, model: str, trained_on: str = "another dataset"
) -> None:
    """UserError unless a model's classes are those of the dataset, in the same order."""
    if tuple(classes) == dataset.classes:
        return
    ours, theirs = set(classes), set(dataset.classes)
    if ours == theirs:
        how = "the order of the species differs"
    else:
        how = (
            f"{len(ours - theirs)} of its {len(ours)} species are unknown there, "
            f"{len(theirs - ours)} of the {len(theirs)} there are unknown to it"
        )
    raise UserError(
        f"{model} was trained on {trained_on}, with another label set than the dataset at "
        f"'{dataset.folder}': {how}; name the dataset it was trained on, or a model of this one"
    )


def _expected_items(
    kind: str, recordings: Sequence[Recording], ids: Mapping[str, str]
) -> list[Item]:
    """Every recording, or every window that begins in one."""
    if kind == "mono":
        return [(ids[r.file], 0) for r in recordings]
    return [
        (ids[r.file], start)
        for r in recordings
        for start in range(0, -(-r.samples // SAMPLE_RATE), WINDOW)
    ]


def _checked_ids(dataset: Dataset, split: str) -> dict[str, str]:
    """File -> media id; UserError where ids are shared, or cannot stand in a line."""
    ids = media_ids(dataset.split(split))
    bad = [name for name in (*ids.values(), *dataset.classes) if not name or FORBIDDEN & set(name)]
    if bad:
        raise UserError(f"ids that cannot stand in a submission: {', '.join(map(repr, bad[:10]))}")
    return ids


def _items_of(kind: str, predicted: SplitLogits, ids: Mapping[str, str]) -> list[Item]:
    if kind == "mono":
        return [(ids[file], 0) for file in predicted.files]
    if predicted.starts is None:
        raise ValueError("soundscapes are submitted in windows: their starts are missing")
    return [(ids[f], round(start)) for f, start in zip(predicted.files, predicted.starts)]


def write_split(
    out: str | Path,
    dataset: Dataset,
    split: str,
    predicted: SplitLogits,
    kind: str = "softmax",
    edition_filter: bool = False,
    max_classes: int = MOST_CLASSES,
) -> Written:
    """Writes and checks the file of one split.

    Args:
        out: the folder that the file is put in.
        dataset: a prepared dataset; its classes are those of the logits, in their order.
        split: `test`, `soundscapes_val` or `soundscapes_test`.
        predicted: float32 [N, C], whole recordings for `test`, else 5 s windows.
        kind: of probabilities; see `birdml.submission.probabilities`.
        edition_filter: whether a recording can only be a species of its challenge edition.
        max_classes: lines per recording or window, 1 to 100.

    Raises:
        UserError: where ids are doubled, logits are NaN, or an option is out of range.
        RuntimeError: where the checker finds a fault, which is then a fault of ours.
    """
    form, name = SPLITS[split]
    recordings = dataset.split(split)
    ids = _checked_ids(dataset, split)
    logits = np.asarray(predicted.logits)
    unfiltered = None
    if edition_filter:
        row_of = {r.file: r for r in recordings}
        of_rows = [row_of[file] for file in predicted.files]
        logits = rule_out(logits, edition_classes(dataset.species, of_rows))
        editions = {edition for species in dataset.species for edition in species.editions}
        unfiltered = sum(r.edition not in editions for r in recordings)
    items = _items_of(form, predicted, ids)
    path = Path(out) / name
    lines = min(class_limit(max_classes), len(dataset.classes))
    with written_whole(path) as file:
        names = [media for media, _ in items]
        if form == "mono":
            write_monophone(file, names, logits, dataset.classes, kind, max_classes)
        else:
            starts = np.array([start for _, start in items], dtype=np.float64)
            write_soundscape(file, names, starts, logits, dataset.classes, kind, max_classes)
        file.flush()
        expected = _expected_items(form, recordings, ids)
        faults = check(file.name, form, expected, dataset.classes, lines)
        if faults:
            raise RuntimeError(f"faults in {name}: " + "; ".join(map(str, faults)))
    return Written(path, split, len(items), lines * len(items), unfiltered)


def make_submission(
    out: str | Path,
    dataset: Dataset,
    task: str,
    predict: Callable[[str], SplitLogits],
    kind: str = "softmax",
    edition_filter: bool = False,
    max_classes: int = MOST_CLASSES,
) -> list[Written]:
    """Writes one checked file for each split of a task; options and names are judged before any
    prediction.

    `predict` gives the combined logits of a split; for the rest, see `write_split`.
    """
    class_limit(max_classes)
    check_kind(kind)
    splits = splits_of(dataset, task)
    for split in splits:
        _checked_ids(dataset, split)
    with written_whole(Path(out) / ".writable"):
        pass  # so that hours of prediction do not end at a folder that takes no file
    (Path(out) / ".writable").unlink()
    return [
        write_split(out, dataset, split, predict(split), kind, edition_filter, max_classes)
        for split in splits
    ]


def silenced(dataset: Dataset, split: str) -> list[str]:
    """Recordings of a split whose sound could not be decoded, with the reason.

    They are 0.1 s of silence in the dataset, so that no test recording lacks its lines.
    """
    problems = dataset.folder / "problems.csv"
    if not problems.is_file():
        return []
    with open(problems, newline="", encoding="utf-8") as file:
        reasons = {
            Path(row["file"]).stem: row["done"]
            for row in csv.DictReader(file)
            if row["field"] == "audio" and "silence" in row["done"]
        }
    stems = {r.file: Path(r.file).stem for r in dataset.split(split)}
    return [f"{file} ({reasons[stem]})" for file, stem in stems.items() if stem in reasons]
