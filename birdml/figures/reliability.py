"""How far scores can be believed: what they say, and how often it is so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from birdml.calibration.measures import Reliability, calibration_error, reliability
from birdml.figures.style import COLOURS, GREY, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability_figure(before: np.ndarray, after: np.ndarray, present: np.ndarray) -> Figure:
    """Share of pairs of recording and species in which it is there, over the score; below, how
    many pairs have that score.

    Args:
        before: shares of the softmax, 0..1 [N, C].
        after: probabilities of presence of recordings that no curve was fitted on, 0..1 [N, C].
        present: truth, bool [N, C].
    """
    figure = new_figure(5.6, 6.2)
    curves, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    curves.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
    for scores, name, colour in (
        (before, "share of the softmax", COLOURS[1]),
        (after, "calibrated, cross-fitted", COLOURS[0]),
    ):
        found = reliability(scores, present)
        error = calibration_error(scores, present)
        curves.errorbar(
            found.probability,
            found.share,
            yerr=_by_chance(found),
            color=colour,
            marker="o",
            markersize=4,
            linewidth=1.2,
            elinewidth=0.8,
            label=f"{name} (calibration error {error:.4f})",
        )
        counts.plot(found.probability, found.count, color=colour, marker="o", markersize=3)
    curves.set_xlim(0, 1)
    curves.set_ylim(-0.02, 1.02)
    curves.legend(fontsize=8, frameon=False, loc="upper left")
    counts.set_yscale("log")
    tidy(curves, "What a score says, and how often it is so", "", "share of pairs with the species")
    tidy(counts, "", "score", "pairs")
    return figure


def _by_chance(found: Reliability) -> np.ndarray:
    """Two standard deviations of each share [B]."""
    return 2 * np.sqrt(found.share * (1 - found.share) / found.count)
