"""The marks of a prepared dataset: what sings when, in recordings that are annotated through.

They are the rows of `annotations.csv`: `file,start,end,species,low,high`. Every recording in it is
annotated through: where nothing is marked, nothing sings. A recording in which nothing is marked
at all has one row, with its name alone. N annotated recordings, M marks.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from birdml.dataset.recording import SAMPLE_RATE, Recording
from birdml.errors import UserError
from birdml.files import csv_text
from birdml.forms import read_text

ANNOTATIONS = "annotations.csv"
COLUMNS = ("file", "start", "end", "species", "low", "high")
DIGITS = 6  # of seconds
ROUNDING = 0.001  # seconds by which a mark may end behind its recording


@dataclass(frozen=True)
class Annotations:
    """Marks as columns, sorted by recording and time."""

    files: tuple[str, ...]  # N, annotated through, sorted
    file: np.ndarray  # int32 [M], into files
    label: np.ndarray  # int32 [M], of the dataset's label set
    start: np.ndarray  # seconds, float64 [M]
    end: np.ndarray  # seconds, float64 [M]
    low: np.ndarray = field(repr=False)  # Hz, float64 [M]; NaN where it is not told
    high: np.ndarray = field(repr=False)  # Hz, float64 [M]; NaN where it is not told

    def __len__(self) -> int:
        return len(self.file)

    @cached_property
    def place_of(self) -> Mapping[str, int]:
        """Name of an annotated recording -> its place in `files`."""
        return {name: place for place, name in enumerate(self.files)}

    def rows_of(self, file: str) -> slice:
        """The marks of an annotated recording; KeyError for any other."""
        place = self.place_of[file]
        return slice(*np.searchsorted(self.file, (place, place + 1)).tolist())


def annotations(
    files: Sequence[str],
    file: np.ndarray,
    label: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> Annotations:
    """Marks in any order (columns [M], `file` points into `files`) in the order of a dataset."""
    order = sorted(range(len(files)), key=files.__getitem__)
    place = np.empty(len(files), np.int32)
    place[order] = np.arange(len(files), dtype=np.int32)
    file = place[file] if len(file) else np.zeros(0, np.int32)
    keys = (np.nan_to_num(high, nan=-1), np.nan_to_num(low, nan=-1), label, end, start, file)
    rows = np.lexsort(keys)
    columns = (column[rows] for column in (file, label, start, end, low, high))
    return Annotations(tuple(files[i] for i in order), *columns)


def annotations_text(marked: Annotations, classes: Sequence[str]) -> str:
    """The file, whatever order marks came in."""
    rows: list[Sequence[object]] = []
    count = np.bincount(marked.file, minlength=len(marked.files))
    ends = np.cumsum(count).tolist()
    columns = [c.tolist() for c in (marked.start, marked.end, marked.label, marked.low)]
    starts, stops, labels, lows = columns
    highs = marked.high.tolist()
    first = 0
    for name, last in zip(marked.files, ends, strict=True):
        if first == last:
            rows.append((name, "", "", "", "", ""))
        rows += [
            (
                name,
                _number(starts[row]),
                _number(stops[row]),
                classes[labels[row]],
                _number(lows[row]),
                _number(highs[row]),
            )
            for row in range(first, last)
        ]
        first = last
    return csv_text(COLUMNS, rows)


def _number(value: float) -> str:
    return "" if math.isnan(value) else repr(round(value, DIGITS)).removesuffix(".0")


def read_annotations(
    path: Path, recordings: Sequence[Recording], label_of: Mapping[str, int], advice: str
) -> Annotations:
    """The marks of a dataset.

    Raises UserError, with the line, for a row that can't be: of an unknown recording or species,
    with times that are not within the recording, or half empty.
    """
    seconds = {r.file: r.samples / SAMPLE_RATE for r in recordings if r.samples}
    places: dict[str, int] = {}
    file: list[int] = []
    label: list[int] = []
    numbers: list[tuple[float, float, float, float]] = []
    reader = csv.reader(io.StringIO(read_text(path, advice), newline=""), strict=True)
    try:
        header = next(reader, [])
        if tuple(header) != COLUMNS:
            raise UserError(f"'{path}' has not the columns {', '.join(COLUMNS)}: {advice}")
        for row in reader:
            if len(row) != len(COLUMNS):
                raise ValueError(f"{len(row)} values for {len(COLUMNS)} columns")
            name, start, end, species, low, high = row
            if name not in seconds:
                raise ValueError(f"'{name[:80]}' is no recording with audio")
            place = places.setdefault(name, len(places))
            if not any(row[1:]):
                continue
            if species not in label_of:
                raise ValueError(f"'{species[:80]}' is no species of the label set")
            times = float(start), float(end)
            if not 0 <= times[0] <= times[1] <= seconds[name] + ROUNDING:
                what = f"{start[:40]} to {end[:40]} s is not within its {seconds[name]:.2f} s"
                raise ValueError(what)
            band = tuple(float(value) if value else math.nan for value in (low, high))
            if any(value < 0 or math.isinf(value) for value in band):
                raise ValueError(f"{low[:40]} to {high[:40]} Hz can't be")
            file.append(place)
            label.append(label_of[species])
            numbers.append((*times, band[0], band[1]))
    except (csv.Error, ValueError) as error:
        raise UserError(f"'{path}', line {reader.line_num}: {error}: {advice}") from None
    columns = np.array(numbers, np.float64).reshape(-1, 4).T
    return annotations(tuple(places), np.array(file, np.int32), np.array(label, np.int32), *columns)
