"""Marks out of Audacity's labels: start, end and a name; a second line may hold the frequencies."""

import re

import numpy as np

from birdml.annotations.marks import LATEST, Marks, Names
from birdml.annotations.numbers import numbers
from birdml.dataset.names import means_nothing, plain
from birdml.dataset.problems import Problem

NUMBER = r"-?\d+(?:[.,]\d+)?"
LABEL = re.compile(rf"({NUMBER})\t({NUMBER})(?:\t(.*))?")
BAND = re.compile(rf"\\\t({NUMBER})\t({NUMBER})\s*")
SCORE = re.compile(r"(.*\S)\s+([01]\.\d+)")  # as `predict` and others write it behind the name


def is_labels(text: str) -> bool:
    """Whether a text is a file of labels: its first line is two numbers and a name."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return LABEL.fullmatch(first.rstrip("\r")) is not None


def marks_of(name: str, text: str, recording: str, problems: list[Problem]) -> Marks:
    """The labels of a file. A number in 0..1 behind every name is taken for its score.

    Lines that can't be marks are left out and listed.
    """
    rows: list[tuple[int, str, str, str]] = []  # line, start, end, name
    bands: dict[int, tuple[str, str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        label, band = LABEL.fullmatch(line), BAND.fullmatch(line)
        if label:
            rows.append((number, label[1], label[2], plain(label[3] or "")))
        elif band and rows:
            bands[len(rows) - 1] = (band[1], band[2])
        else:
            problems.append(
                Problem(f"{name}: line {number}", "", line[:80], "left out: no label of Audacity")
            )
    scored = [SCORE.fullmatch(text) for *_, text in rows]
    with_scores = bool(rows) and all(found or not row[3] for found, row in zip(scored, rows))
    names: dict[Names, int] = {}
    columns: list[tuple[float, ...]] = []
    all_starts, _, _ = numbers([row[1] for row in rows])
    all_ends, _, _ = numbers([row[2] for row in rows])
    good = (all_starts >= 0) & (all_ends >= all_starts) & (all_ends <= LATEST)
    for place, (number, start, end, label_text) in enumerate(rows):
        found = scored[place] if with_scores else None
        called = found[1] if found else label_text
        if means_nothing(called):
            continue
        if not called or not good[place]:
            what = "it starts before the recording, ends before it starts, or is far too late"
            what = f"left out: {'no species' if not called else what}"
            problems.append(Problem(f"{name}: line {number}", "time", f"{start}-{end}", what))
            continue
        low, high = numbers(bands[place])[0] if place in bands else (np.nan, np.nan)
        low, high = (value if value >= 0 else np.nan for value in (low, high))  # -1: not told
        score = float(found[2]) if found else np.nan
        place_of_name = names.setdefault((called,), len(names))
        columns.append((place_of_name, all_starts[place], all_ends[place], low, high, score))
    species, starts, ends, lows, highs, scores = np.array(columns, np.float64).reshape(-1, 6).T
    return Marks(
        (recording,),
        tuple(names),
        np.zeros(len(species), np.int32),
        species.astype(np.int32),
        starts,
        ends,
        lows.astype(np.float32),
        highs.astype(np.float32),
        scores,
    )
