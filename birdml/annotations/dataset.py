"""The marks of a prepared dataset, and how long its recordings are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from birdml.annotations.marks import Marks, is_inside
from birdml.annotations.reading import MarksReading
from birdml.dataset.annotated import ANNOTATIONS
from birdml.dataset.decoders.libsndfile import seconds_by_header
from birdml.dataset.prepared import Dataset
from birdml.dataset.raw import is_audio, walk
from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError


def dataset_marks(dataset: Dataset) -> MarksReading:
    """The marks in a dataset's `annotations.csv`: `file, start, end, species, low, high`.

    Recordings in it are annotated through. Raises UserError where the dataset has none.
    """
    marked = dataset.annotations
    if marked is None:
        raise UserError(
            f"the dataset at '{dataset.folder}' has no {ANNOTATIONS}: it knows what sings in a "
            "recording, not when; name annotation tables with -P truth=TABLE_OR_FOLDER"
        )
    names = tuple((class_id,) for class_id in dataset.classes)
    return MarksReading(
        Marks(
            marked.files,
            names,
            marked.file,
            marked.label,
            marked.start,
            marked.end,
            marked.low.astype(np.float32),
            marked.high.astype(np.float32),
            np.full(len(marked), np.nan),
        ),
        1,
    )


def present_in_windows(
    dataset: Dataset, files: Sequence[str], starts: np.ndarray, seconds: float
) -> np.ndarray:
    """The species of which at least 0.2 s, or half of a mark, lie in each window, bool [W, C].

    Window w begins `starts[w]` seconds (float64 [W]) into the recording `files[w]`; of recordings
    that are not annotated through, nothing is known and all is false.
    """
    present = np.zeros((len(files), len(dataset.classes)), bool)
    marked = dataset.annotations
    if marked is None:
        return present
    for row, (file, begin) in enumerate(zip(files, starts.tolist(), strict=True)):
        if file not in marked.place_of:
            continue
        of = marked.rows_of(file)
        start, end = marked.start[of], marked.end[of]
        overlap = np.minimum(end, begin + seconds) - np.maximum(start, begin)
        inside = is_inside(overlap, end - start)
        present[row, marked.label[of][inside]] = True
    return present


def dataset_seconds(dataset: Dataset) -> dict[str, float]:
    """Length of each recording that has audio."""
    return {r.file: r.samples / SAMPLE_RATE for r in dataset.recordings if r.samples}


def folder_seconds(folder: str | Path) -> tuple[dict[str, float], list[str]]:
    """Length of each recording below a folder, and the files whose length can't be read.

    Raises UserError where there is no such folder, or no audio in it.
    """
    folder = Path(folder)
    seconds: dict[str, float] = {}
    unreadable = []
    for path in walk(folder, []):
        if not is_audio(path):
            continue
        name = path.relative_to(folder).as_posix()
        told = seconds_by_header(path)
        if told is None:
            unreadable.append(name)
        else:
            seconds[name] = told
    if not seconds and not unreadable:
        raise UserError(f"there is no audio in '{folder}'; name the folder of the recordings")
    return seconds, unreadable
