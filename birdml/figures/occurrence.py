"""What a place promises, for the eye: the best species over the weeks or the hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from birdml.figures.style import new_figure, tidy

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
