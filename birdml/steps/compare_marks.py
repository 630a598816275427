"""`compare` on one truth: detections of tables and of registered models against annotations."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from birdml.annotations.dataset import dataset_marks, dataset_seconds, folder_seconds
from birdml.annotations.marks import Marks
from birdml.annotations.names import read_mapping
from birdml.annotations.pairing import Pair, paired
from birdml.annotations.reading import read_marks
from birdml.calibration.saved import load_calibration
from birdml.comparison.marks import Detector, DetectorComparison, compare_detectors
from birdml.comparison.marks_page import marks_page, marks_table
from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.errors import UserError
from birdml.files import write_text
from birdml.scoring.detections import events_from
from birdml.scoring.windows import cells_of, window_recordings, window_scores
from birdml.steps.compare import OVER, unit_name
from birdml.tracking import champions, registry, store

if TYPE_CHECKING:
    from birdml.prediction.predictions import Predictions
    from birdml.tracking.client import Store

MOST = 100  # species of a window that count, the highest first, as in a submission
SECONDS = 5.0  # of the windows that models are predicted in
TRAINED_ON = ("train", "noise_train")
IOU = 0.5


@dataclass(frozen=True)
class MarkComparison:
    """What a user asks of `compare` about a truth (see `compare --help`)."""

    truth: str
    models: str
    out: str = "compare.html"
    over: str = "recording"
    recordings: str = ""
    names: str = ""
    columns: str = ""
    truth_columns: str = ""
    window: float = 5.0


@dataclass(frozen=True)
class NamedMarks:
    """The detections of one model or table."""

    name: str
    what: str
    marks: Marks


def compare_marks(options: MarkComparison) -> DetectorComparison:
    """Compares; prints the table, writes the page.

    A word of `models` that is a file or folder is a table of detections; any other a registered
    model, whose windows of the truth's recordings are predicted. Recordings that a dataset trains
    on are no part of its truth. Raises UserError for what cannot be read, predicted or compared.
    """
    out = Path(options.out)
    if out.is_dir():
        raise UserError(f"'{options.out}' is a folder; out names the HTML file")
    if not options.window >= 0.1 or options.window == float("inf"):
        raise UserError(f"window: {options.window:g} s is no length of a window (from 0.1 s on)")
    words = [word.strip() for word in options.models.split(",") if word.strip()]
    mapping = read_mapping(options.names) if options.names else {}
    dataset, truth = _truth(options)
    seconds = dataset_seconds(dataset) if dataset is not None else {}
    if options.recordings:
        seconds = folder_seconds(options.recordings)[0]
    groups = _groups(dataset, truth.files, options.over)
    found = [one for word in words for one in _found(word, options, dataset, truth)]
    found = _named_once(found)
    species = list(dataset.species) if dataset is not None else []
    beside = [one.marks.names for one in found]
    pairs = []
    for one in found:
        try:
            pairs.append(paired(truth, one.marks, species, mapping, seconds, beside))
        except UserError as error:
            raise UserError(f"{one.name}: {error}") from None
    if not pairs:
        raise UserError("nothing to compare: name models or tables with -P models=")
    ends = np.max([pair.seconds for pair in pairs], axis=0)
    pairs = [replace(pair, seconds=ends) for pair in pairs]
    count = max(len(pair.called) for pair in pairs)
    shown = max((pair.shown for pair in pairs), key=len)
    report = compare_detectors(
        Path(options.truth).name,
        [_detector(one, pair, options.window, count) for one, pair in zip(found, pairs)],
        window_recordings(pairs[0].seconds, options.window),
        shown,
        options.window,
        OVER[options.over],
        _of_truth(groups, truth.files, pairs[0].files),
        [(one.name, note) for one, pair in zip(found, pairs) for note in pair.notes],
    )
    for name, note in report.notes:
        print(f"note: {name}: {note}")
    print(f"\n{marks_table(report)}")
    write_text(out, marks_page(report))
    print(f"\npage: {out.resolve()}")
    return report


def _truth(options: MarkComparison) -> tuple[Dataset | None, Marks]:
    """The annotations, and the dataset that they come from, if one."""
    if not (Path(options.truth) / "dataset.toml").is_file():
        reading = read_marks(options.truth, options.truth_columns)
        if reading.every:
            raise UserError(f"the truth '{options.truth}' holds scores: name annotations")
        for problem in reading.problems:
            print(f"note: truth: {problem.file}: {problem.done}")
        return None, reading.marks
    dataset = open_dataset(options.truth)
    marks = dataset_marks(dataset).marks
    split_of = {r.file: r.split for r in dataset.recordings}
    kept = [p for p, name in enumerate(marks.files) if split_of[name] not in TRAINED_ON]
    if not kept:
        raise UserError(
            f"all {len(marks.files)} annotated recordings of '{dataset.name}' are trained on: no "
            "fair truth; name tables of others"
        )
    if len(kept) < len(marks.files):
        print(f"note: {len(marks.files) - len(kept)} annotated recordings are trained on: left out")
    new = np.full(len(marks.files), -1, np.int32)
    new[kept] = np.arange(len(kept), dtype=np.int32)
    file = new[marks.file]
    files = tuple(marks.files[place] for place in kept)
    return dataset, replace(marks, files=files, file=file).where(file >= 0)


def _groups(dataset: Dataset | None, files: Sequence[str], over: str) -> list[str] | None:
    """What each recording of the truth is drawn with; None for each by itself."""
    if over not in OVER:
        raise UserError(f"over='{over}'; it can be {', '.join(OVER)}")
    if over == "recording":
        return None
    of = {r.file: r for r in dataset.recordings} if dataset is not None else {}
    names = [unit_name(of[file], over) if file in of else "" for file in files]
    if len(set(filter(None, names))) < 2:
        raise UserError(
            f"over={over}: fewer than two {OVER[over]} of the truth's recordings are known: use "
            "over=recording, or a dataset that knows them"
        )
    return [name or f"/{file}" for name, file in zip(names, files, strict=True)]


def _of_truth(
    groups: list[str] | None, files: Sequence[str], kept: Sequence[str]
) -> np.ndarray | None:
    """Groups as numbers [N] of the recordings as they were paired."""
    if groups is None:
        return None
    of = dict(zip(files, groups, strict=True))
    return np.unique([of[name] for name in kept], return_inverse=True)[1]


def _found(
    word: str, options: MarkComparison, dataset: Dataset | None, truth: Marks
) -> list[NamedMarks]:
    """The detections that a word of `models` means."""
    path = Path(word)
    if path.exists() and not (path / "model.json").is_file():
        return [NamedMarks(path.stem, "table", read_marks(path, options.columns).marks)]

    if options.recordings:
        return [_of_recordings(word, options)]
    if dataset is None:
        raise UserError(
            f"'{word}' is no file: to predict a model of that name, name the folder of the truth's "
            "recordings with -P recordings=FOLDER"
        )
    client = store.connect()
    result = []
    for model in champions.meant(client, dataset, word, ensembles=True):
        uri = f"models:/{registry.full_name(model.name)}/{model.model_version}"
        folder = registry.load_registered(client, uri)
        marks = _of_dataset(client, folder, dataset, truth)
        result.append(NamedMarks(model.name, model.family, marks))
    return result


def _of_recordings(word: str, options: MarkComparison) -> NamedMarks:
    """What a model says of a folder of audio files."""
    from birdml.steps.predict_files import FileOptions, predict_recordings

    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "detections")
        asked = FileOptions(
            word, options.recordings, "5s", top=MOST, out=out, min_score="0", merge=False
        )
        predict_recordings(asked)
        marks = read_marks(os.path.join(out, "predictions.csv")).marks
    return NamedMarks(word.removeprefix("models:/"), "model", marks)


def _of_dataset(client: "Store", folder: Path, dataset: Dataset, truth: Marks) -> Marks:
    """What a registered model says of the annotated recordings of a dataset."""
    from birdml.steps.combined import predictions_in

    calibration = load_calibration(folder, dataset.classes)
    wanted = {name: place for place, name in enumerate(truth.files)}
    split_of = {r.file: r.split for r in dataset.recordings}
    parts = []
    for split in sorted({split_of[name] for name in truth.files}):
        made = predictions_in(client, folder, dataset, split, "5s")
        logits = np.asarray(made.logits, np.float64)
        if calibration is not None:
            scores = calibration.presence.probabilities(logits)
        else:
            scores = softmax(logits, axis=1)
        parts.append(_marks(made, scores, wanted))
    marks = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    file, label, start, score = marks
    seconds = dataset_seconds(dataset)
    ends = np.array([seconds[name] for name in truth.files])
    unknown = np.full(len(file), np.nan, np.float32)
    return Marks(
        truth.files,
        tuple((class_id,) for class_id in dataset.classes),
        file,
        label,
        start,
        np.minimum(start + SECONDS, ends[file]),
        unknown,
        unknown,
        score,
    )


def _marks(
    made: "Predictions", scores: np.ndarray, wanted: dict[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Recording, label, start and score of the highest scores [W, C] of wanted windows."""
    assert made.starts is not None
    rows = np.array([row for row, file in enumerate(made.files) if file in wanted], np.int64)
    most = min(MOST, scores.shape[1])
    top = np.argsort(-scores[rows], axis=1, kind="stable")[:, :most]
    file = np.array([wanted[made.files[row]] for row in rows.tolist()], np.int32)
    return (
        np.repeat(file, most),
        top.ravel().astype(np.int32),
        np.repeat(made.starts[rows], most),
        np.take_along_axis(scores[rows], top, axis=1).ravel(),
    )


def _named_once(found: Sequence[NamedMarks]) -> list[NamedMarks]:
    """Detections with names of their own."""
    taken: dict[str, int] = {}
    result = []
    for one in found:
        taken[one.name] = number = taken.get(one.name, 0) + 1
        result.append(one if number == 1 else replace(one, name=f"{one.name} ({number})"))
    return result


def _detector(one: NamedMarks, pair: Pair, window: float, species: int) -> Detector:
    cells = cells_of(pair.truth, pair.detections, pair.seconds, window, species)
    at = window_scores(cells)[0].best_threshold
    matches = events_from(pair, at, IOU, species=species)
    right, found = int(matches.right.sum()), int(matches.found.sum())
    total = found + int(matches.positives.sum())
    return Detector(one.name, one.what, cells, 2 * right / total if total else float("nan"))
