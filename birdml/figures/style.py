"""How every figure looks: size, colours, and the names of species."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from birdml.dataset.recording import Species

INK = "#22313f"
GREY = "#9aa5b1"
# readable for the colour-blind, ordered so that neighbours differ (after Okabe and Ito)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c6d31")


def new_figure(width: float = 7.2, height: float = 4.4) -> Figure:
    """An empty figure of that many inches, outside of pyplot: no window, no global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=120, layout="constrained", facecolor="white")


def tidy(axes: Axes, title: str = "", x: str = "", y: str = "") -> None:
    """Title at the left, no frame above and to the right, a faint grid."""
    axes.set_title(title, loc="left", fontsize=10, color=INK, fontweight="bold")
    axes.set_xlabel(x, fontsize=9, color=INK)
    axes.set_ylabel(y, fontsize=9, color=INK)
    axes.tick_params(labelsize=8, colors=INK)
    axes.grid(True, color="#e4e8ec", linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(GREY)


def species_names(species: Sequence[Species]) -> list[str]:
    """The Latin name of every species, or its class id where there is none [C]."""
    return [s.latin_name or s.class_id for s in species]
