"""Marks: a species between two times of a recording; annotations and detections alike.

Many marks are columns: M marks, N recordings, S species.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

LATEST = 30 * 86400  # seconds; times after that are milliseconds, samples or broken
LEAST = 0.2  # seconds of a mark, or half of it, that lie in a window where it counts
CLOSE = 1e-6  # seconds by which times differ that were computed in different ways
Names = tuple[str, ...]  # how one species is called: class id, Latin name, common name, ...


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark; `low` and `high` in Hz and `score` are NaN where they are not told."""

    file: str
    start: float  # seconds
    end: float  # seconds
    species: str
    low: float = float("nan")
    high: float = float("nan")
    score: float = float("nan")


def is_inside(inside: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Whether marks count in a window: at least LEAST seconds, or half of them, lie in it.

    bool, of the seconds that lie inside and of the lengths of marks.

    >>> is_inside(np.array([0.1, 0.1, 0.2]), np.array([1.0, 0.2, 5.0])).tolist()
    [False, True, True]
    """
    return inside >= np.minimum(LEAST, length / 2) - CLOSE


@dataclass(frozen=True)
class Marks:
    """Marks as columns of equal length M, with the recordings and species that they point into.

    Every recording that a table is about is in `files`, also one in which nothing is marked.
    """

    files: tuple[str, ...]  # N
    names: tuple[Names, ...]  # S
    file: np.ndarray  # int32 [M], into files
    species: np.ndarray  # int32 [M], into names
    start: np.ndarray  # seconds, float64 [M]
    end: np.ndarray  # seconds, float64 [M]
    low: np.ndarray  # Hz, float32 [M]
    high: np.ndarray  # Hz, float32 [M]
    score: np.ndarray  # float64 [M]

    def __len__(self) -> int:
        return len(self.file)

    def __iter__(self) -> Iterator[Mark]:
        columns = (self.file, self.start, self.end, self.species, self.low, self.high, self.score)
        for file, start, end, species, low, high, score in zip(*(c.tolist() for c in columns)):
            yield Mark(self.files[file], start, end, self.names[species][0], low, high, score)

    def where(self, chosen: np.ndarray) -> "Marks":
        """The marks at some places (int) or that are chosen (bool [M]); files and names stay."""
        if chosen.dtype == bool and chosen.all():
            return self
        return replace(
            self,
            **{
                column: getattr(self, column)[chosen]
                for column in ("file", "species", "start", "end", "low", "high", "score")
            },
        )


def no_marks(files: Sequence[str] = ()) -> Marks:
    """Recordings in which nothing is marked."""
    whole, real = np.zeros(0, np.int32), np.zeros(0)
    band = np.zeros(0, np.float32)
    return Marks(tuple(files), (), whole, whole, real, real, band, band, real)


def joined(parts: Sequence[Marks]) -> Marks:
    """Marks of several tables as one; recordings and species of equal name are the same."""
    files: dict[str, int] = {}
    names: dict[Names, int] = {}
    file, species = [], []
    for part in parts:
        of_file = [files.setdefault(name, len(files)) for name in part.files]
        of_name = [names.setdefault(name, len(names)) for name in part.names]
        file.append(np.array(of_file, np.int32)[part.file])
        species.append(np.array(of_name, np.int32)[part.species])
    if not parts:
        return no_marks()
    rest = (np.concatenate([getattr(p, c) for p in parts]) for c in COLUMNS)
    return Marks(tuple(files), tuple(names), np.concatenate(file), np.concatenate(species), *rest)


COLUMNS = ("start", "end", "low", "high", "score")
