"""What more recordings would bring: MAP against training recordings of each species."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from birdml.figures.style import COLOURS, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Point = tuple[int, float, float, float]


def learning_curves(curves: Mapping[str, Sequence[Point]], dataset: str) -> Figure:
    """A line for each model through the means of its draws, in a band from lowest to highest.

    Args:
        curves: of each model, training recordings of a species, then mean, lowest and highest MAP.
        dataset: its name.
    """
    figure = new_figure(7.2, 4.6)
    axes = figure.subplots()
    for number, (name, points) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        counts, means, lows, highs = zip(*points)
        axes.plot(counts, means, "o-", color=colour, label=name, linewidth=1.6, markersize=4)
        axes.fill_between(counts, lows, highs, color=colour, alpha=0.15, linewidth=0)
    ticks = sorted({point[0] for points in curves.values() for point in points})
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    tidy(axes, f"What more recordings bring ({dataset})", "training recordings a species", "MAP")
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize=8, frameon=False, loc="lower right")
    return figure
