"""Marks in columns out of rows."""

import numpy as np

from birdml.annotations.marks import Marks


def marks(rows, files=("r",), names=(("a",), ("b",), ("c",))):
    """Rows of (file, label, start, end[, score])."""
    columns = np.array([(*row, np.nan)[:5] for row in rows], float).reshape(-1, 5).T
    file, species, start, end, score = columns
    unknown = np.full(len(file), np.nan, np.float32)
    return Marks(
        tuple(files),
        tuple(names),
        file.astype(np.int32),
        species.astype(np.int32),
        start,
        end,
        unknown,
        unknown,
        score,
    )
