"""The marks of a prepared dataset, and how long its recordings are."""

import os
from pathlib import Path

from birdml.annotations.reading import Reading, read_marks
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError

ANNOTATIONS = "annotations.csv"


def dataset_marks(dataset: Dataset) -> Reading:
    """The marks in a dataset's `annotations.csv`: `file, start, end, species, low, high`.

    Recordings in it are annotated through; a row without times and species names one in which
    nothing sings. Raises UserError where the dataset has no annotations.
    """
    path = dataset.folder / ANNOTATIONS
    if not path.is_file():
        raise UserError(
            f"the dataset at '{dataset.folder}' has no {ANNOTATIONS}: it knows what sings in a "
            "recording, not when; name annotation tables with -P truth=TABLE_OR_FOLDER"
        )
    return read_marks(path)


def dataset_seconds(dataset: Dataset) -> dict[str, float]:
    """Length of each recording that has audio."""
    return {r.file: r.samples / SAMPLE_RATE for r in dataset.recordings if r.samples}


def folder_seconds(folder: str | Path) -> tuple[dict[str, float], list[str]]:
    """Length of each recording below a folder, and the files whose length can't be read.

    Raises UserError where there is no such folder, or no audio in it.
    """
    import soundfile

    from birdml.dataset.raw import is_audio, walk

    folder = Path(folder)
    seconds: dict[str, float] = {}
    unreadable = []
    for path in walk(folder, []):
        if not is_audio(path):
            continue
        name = path.relative_to(folder).as_posix()
        try:
            seconds[name] = soundfile.info(os.fsencode(path)).duration
        except (soundfile.LibsndfileError, OSError):
            unreadable.append(name)
    if not seconds and not unreadable:
        raise UserError(f"there is no audio in '{folder}'; name the folder of the recordings")
    return seconds, unreadable
