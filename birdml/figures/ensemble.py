"""What an ensemble is made of, and how its weights were found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from birdml.figures.style import COLOURS, GREY, INK, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from birdml.ensemble.contributions import Contribution

FAMILY_COLOURS = {
    **{"audio": COLOURS[0], "meta": COLOURS[2], "combined": COLOURS[1]},
    **{"place": COLOURS[3], "kernel": COLOURS[4], "place_kernel": COLOURS[5]},
}


def members(contributions: Sequence[Contribution], whole: float, what: str) -> Figure:
    """Three columns, one row per member: share by family, alone and left out, gain when added.

    Args:
        contributions: of the members, largest share first.
        whole: value of the ensemble.
        what: name of the value, such as "MAP + MAP-bg".
    """
    from matplotlib.ticker import PercentFormatter

    figure = new_figure(9.4, 1.9 + 0.26 * len(contributions))
    left, middle, right = figure.subplots(1, 3, sharey=True)
    rows = np.arange(len(contributions))
    colours = [FAMILY_COLOURS.get(c.family, GREY) for c in contributions]
    left.barh(rows, [c.share for c in contributions], color=colours)
    for family in dict.fromkeys(c.family for c in contributions):
        total = sum(c.share for c in contributions if c.family == family)
        label = f"{family} {total:.0%}"
        left.barh([0], [0], color=FAMILY_COLOURS.get(family, GREY), label=label)
    left.legend(fontsize=8, frameon=False, loc="lower right")
    left.set_yticks(rows, [f"{c.name}  x {c.weight:.3g}" for c in contributions])
    left.invert_yaxis()
    left.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    tidy(left, "Share of the answer, by family", "share")
    middle.scatter([c.alone for c in contributions], rows, color=colours, label="alone")
    middle.scatter(
        [c.without for c in contributions],
        rows,
        facecolors="none",
        edgecolors=INK,
        label="ensemble without it",
    )
    middle.axvline(whole, color=GREY, linewidth=1, label="ensemble")
    figure.legend(
        *middle.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        fontsize=8,
        frameon=False,
    )
    tidy(middle, "Alone, and left out", what)
    right.plot([c.so_far for c in contributions], rows, color=INK, marker="o", markersize=4)
    tidy(right, "Added one by one, from the top", what)
    return figure


def search_curve(values: Sequence[float], steps: Sequence[str], what: str) -> Figure:
    """Value of every trial and the best so far; steps are "search" or "ascent", one per trial."""
    figure = new_figure()
    axes = figure.subplots()
    trials, found = np.arange(1, len(values) + 1), np.asarray(values)
    for step, colour in (("search", COLOURS[5]), ("ascent", COLOURS[1])):
        chosen = np.array([s == step for s in steps], dtype=bool)
        if chosen.any():
            axes.scatter(trials[chosen], found[chosen], s=8, color=colour, label=step)
    axes.plot(trials, np.maximum.accumulate(found), color=INK, linewidth=1.2, label="best so far")
    low = float(np.percentile(found, 5))
    axes.set_ylim(low - 0.02 * abs(low), found.max() + 0.1 * (found.max() - low) + 1e-6)
    axes.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    tidy(axes, "The search", "trial", what)
    return figure
