"""What a submission scores on each species."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from birdml.figures.style import COLOURS, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMED = 60  # more species than that cannot be read one below the other


def submission_scores(
    names: Sequence[str], scores: Sequence[float], counts: Sequence[int], what: str, unit: str
) -> Figure:
    """One bar per species, best first; with more than 60 species, a curve over all of them.

    Args:
        names: of the species [C].
        scores: of each in 0..1 [C].
        counts: recordings or windows that the score was taken over [C].
        what: name of the score, such as "MRR".
        unit: what was counted, such as "recordings".
    """
    values, number = np.asarray(scores, float), np.asarray(counts)
    order = np.lexsort((-number, -values))
    mean = float(values.mean())
    title = f"{what} of each species (mean over species {mean:.3f})"
    if len(order) > NAMED:
        figure = new_figure(7.2, 4.4)
        axes = figure.subplots()
        axes.fill_between(np.arange(len(order)), values[order], color=COLOURS[0], linewidth=0)
        axes.axhline(mean, color=COLOURS[1], linewidth=1.2)
        axes.set_ylim(0, 1.02)
        axes.set_xlim(0, len(order) - 1)
        tidy(axes, title, f"{len(order)} species, best first", what)
        return figure
    figure = new_figure(7.2, 1.2 + 0.2 * max(len(order), 4))
    axes = figure.subplots()
    axes.barh(np.arange(len(order)), values[order], color=COLOURS[0], height=0.75)
    axes.set_yticks(
        np.arange(len(order)), [f"{names[i]} ({number[i]})" for i in order], style="italic"
    )
    axes.axvline(mean, color=COLOURS[1], linewidth=1.2)
    axes.margins(y=0.01)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.02)
    tidy(axes, title, f"{what} (in brackets: {unit})")
    axes.grid(False, axis="y")
    return figure
