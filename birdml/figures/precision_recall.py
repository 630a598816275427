"""Precision over recall of detections: of all cells together, and of the most frequent species."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from birdml.figures.style import COLOURS, INK, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Line = tuple[np.ndarray, np.ndarray]  # recall [T], precision [T], by falling score
MOST = 7  # species that stay apart by colour


def precision_recall(
    together: Line, of_species: Sequence[tuple[str, Line]], best: tuple[float, float, float]
) -> Figure:
    """Curves that end where nothing more was detected.

    Args:
        together: of all windows and species in one list.
        of_species: names and curves; the first `MOST` are drawn.
        best: recall, precision and score where F1 is highest; NaN where nothing right was found.
    """
    figure = new_figure(7.6, 4.6)
    axes = figure.subplots()
    for colour, (name, (recall, precision)) in zip(COLOURS, of_species[:MOST]):
        axes.step(recall, precision, where="pre", color=colour, linewidth=1.1, label=name)
    axes.step(*together, where="pre", color=INK, linewidth=2.4, label="all together")
    best_recall, best_precision, score = best
    if not np.isnan(best_recall):
        axes.plot(best_recall, best_precision, "o", color=INK, markersize=7)
        axes.annotate(
            f"best F1, score {score:.3g}",
            (best_recall, best_precision),
            xytext=(7, 7),
            textcoords="offset points",
            fontsize=8,
            color=INK,
        )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.04)
    tidy(axes, "Precision and recall of windows", "recall", "precision")
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.02), frameon=False)
    return figure
