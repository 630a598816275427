"""Reading marks: a table, or a folder of tables, whatever tool wrote them."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from birdml.annotations import audacity, tables
from birdml.annotations.marks import Marks, joined
from birdml.annotations.recordings import recording_of
from birdml.dataset.problems import Problem
from birdml.dataset.raw import walk
from birdml.dataset.sources.rows import NoTable, cells_of, read_text
from birdml.errors import UserError

SUFFIXES = (".txt", ".csv", ".tsv")
OURS = ("problems.csv", "failed.csv", "species.csv", "recordings.csv", "audio.csv")
SHOWN = 5


@dataclass
class MarksReading:
    """Marks, how many tables they come from, and what was noticed."""

    marks: Marks
    tables: int
    problems: list[Problem] = field(default_factory=list)
    every: bool = False  # a score of every species in every window: no annotations


def read_marks(
    path: str | Path, columns: str = "", refused: list[Problem] | None = None
) -> MarksReading:
    """The marks of a table or of all tables below a folder.

    Args:
        path: a table, or a folder whose `.txt`, `.csv` and `.tsv` files are read.
        columns: `ours=theirs, ...` for columns whose names say nothing.
        refused: takes tables that can't be read as marks; without it, one is an error.

    Raises:
        UserError: where nothing is there; all that can't be read as marks are named at once.
    """
    path = Path(path)
    if path.is_dir():
        problems: list[Problem] = []
        paths = [
            p for p in walk(path, problems) if p.suffix.lower() in SUFFIXES and p.name not in OURS
        ]
        base = path
    elif path.is_file():
        problems, paths, base = [], [path], path.parent
    else:
        raise UserError(f"there is no table and no folder of tables at '{path}'")
    if not paths:
        raise UserError(f"no tables in '{path}': it holds no {', '.join(SUFFIXES)} file")
    parts, faults, every = [], [], False
    for one in paths:
        name = os.path.relpath(one, base).replace(os.sep, "/")
        try:
            marks, all_scores = _read(one, name, columns, problems)
        except (NoTable, OSError, UserError) as error:
            faults.append((name, str(error)))
            continue
        every = every or all_scores
        parts.append(marks)
    if refused is not None and parts:
        refused += [Problem(name, "annotations", "", f"left out: {why}") for name, why in faults]
    elif faults:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise UserError(
            f"{len(faults)} of {len(paths)} tables in '{path}' can't be read as marks: "
            f"{'; '.join(f'{name}: {why}' for name, why in faults[:SHOWN])}{more}"
        )
    return MarksReading(joined(parts), len(parts), problems, every)


def _read(path: Path, name: str, columns: str, problems: list[Problem]) -> tuple[Marks, bool]:
    text = read_text(path, problems)
    recording = recording_of(name)
    if audacity.is_labels(text) and not columns:
        return audacity.marks_of(name, text, recording, problems), False
    if not text.strip() and path.suffix.lower() == ".txt":  # Audacity without any label
        return audacity.marks_of(name, text, recording, problems), False
    marks, every = tables.marks_of(cells_of(name, text, problems), recording, columns, problems)
    if not marks.files:  # a heading alone: the recording is annotated, nothing is marked
        marks = joined([marks, audacity.marks_of(name, "", recording, problems)])
    return marks, every
