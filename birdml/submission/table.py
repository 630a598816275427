"""Scores per species as CSV."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from birdml.submission.files import written_whole


def write_table(path: str | Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows of equal keys as CSV with a heading; the file appears when it is whole."""
    with written_whole(Path(path)) as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
