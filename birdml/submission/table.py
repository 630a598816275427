"""Scores per species, as a table in the terminal and as CSV."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from birdml.submission.files import written_whole


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def table_text(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows of equal keys as columns of text, numbers to the right, with a heading."""
    heads = list(rows[0])
    cells = [heads] + [[_cell(row[head]) for head in heads] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    numeric = [isinstance(rows[0][head], (int, float)) for head in heads]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, numeric)
        ).rstrip()
        for line in cells
    )


def write_table(path: str | Path, rows: Sequence[Mapping[str, object]]) -> None:
    """The same rows as CSV with a heading; the file appears when it is whole."""
    with written_whole(Path(path)) as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
