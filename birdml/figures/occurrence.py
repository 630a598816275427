"""What a place promises, for the eye: the best species over the weeks or the hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from birdml.figures.coast import draw_coast
from birdml.figures.style import INK, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 25  # species in a picture
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def calendar(scores: np.ndarray, names: Sequence[str], title: str, what: str) -> Figure:
    """The species with the highest scores, a row each, over the 52 weeks of a year.

    Args:
        scores: [52, C] in 0..1.
        names: of species [C].
        title: above the picture.
        what: the scores are.
    """
    figure, axes = _rows(scores, names, title, what)
    axes.set_xticks(np.arange(12) * 52 / 12, MONTHS)
    return figure


def clock(scores: np.ndarray, names: Sequence[str], title: str, what: str) -> Figure:
    """The species with the highest scores, a row each, over the 24 hours of a day, [24, C]."""
    figure, axes = _rows(scores, names, title, what)
    axes.set_xticks(range(0, 24, 3), [f"{hour:02d}:00" for hour in range(0, 24, 3)])
    return figure


def maps(
    scores: np.ndarray,
    latitudes: np.ndarray,
    longitudes: np.ndarray,
    dates: Sequence[str],
    species: str,
    what: str,
) -> Figure:
    """Where one species is expected, a map for each of D dates.

    Args:
        scores: [D, Y, X] in 0..1.
        latitudes, longitudes: [Y] and [X] in degrees, of the middles of square cells.
        dates: [D]; twelve of them are the months of a year.
        species: its name.
        what: the scores are.
    """
    across = min(len(dates), 4)
    down = -(-len(dates) // across)
    aspect = 1 / max(np.cos(np.deg2rad(latitudes.mean())), 0.2)
    shape = np.clip(aspect * len(latitudes) / len(longitudes), 0.3, 3)
    width = 2.2 if len(dates) > 1 else 6.0
    figure = new_figure(across * width + 0.9, down * (width * shape + 0.3) + 0.7)
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    shown = None
    for axes, date, score in zip(panels.flat, dates, scores):
        shown = axes.pcolormesh(
            longitudes, latitudes, score, cmap="viridis", vmin=0, vmax=max(scores.max(), 1e-9)
        )
        axes.set_aspect(aspect)
        draw_coast(axes, "white")
        tidy(axes, MONTHS[int(date[:2]) - 1] if len(dates) == 12 else date)
        axes.grid(False)
    for axes in panels.flat[len(dates) :]:
        axes.set_axis_off()
    figure.suptitle(species, fontsize=11, color=INK, style="italic", x=0.01, ha="left")
    figure.supxlabel("longitude (°)", fontsize=9, color=INK)
    figure.supylabel("latitude (°)", fontsize=9, color=INK)
    assert shown is not None
    figure.colorbar(shown, ax=panels, label=what)
    return figure


def _rows(scores, names, title, what):  # type: ignore[no-untyped-def]
    best = np.argsort(-scores.max(axis=0), kind="stable")[:SHOWN]
    figure = new_figure(height=1.4 + 0.22 * len(best))
    axes = figure.add_subplot()
    shown = axes.imshow(scores[:, best].T, aspect="auto", cmap="viridis", vmin=0)
    tidy(axes, title)
    axes.grid(False)
    axes.set_yticks(range(len(best)), [names[label] for label in best], style="italic")
    figure.colorbar(shown, ax=axes, label=what)
    return figure, axes
