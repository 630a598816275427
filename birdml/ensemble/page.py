"""An ensemble as one HTML page that needs no network: its scores, its rivals, its members."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from birdml.ensemble.contributions import Contribution
from birdml.ensemble.crossfit import Crossfit
from birdml.pages.render import render
from birdml.scoring import TENTHS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Rival:
    """Another answer to the same recordings; tenths of them on which the ensemble was better.

    `won_crossfit` compares with the cross-fitted ensemble; None where there is none.
    """

    name: str
    map: float
    map_bg: float
    won: int
    won_crossfit: int | None


def page(
    title: str,
    found_by: str,
    scores: Mapping[str, float],
    crossfit: Crossfit | None,
    rivals: Sequence[Rival],
    contributions: Sequence[Contribution],
    figures: Sequence["Figure"],
) -> str:
    """The HTML; `scores` has map, map_bg and top1..top5, `found_by` says how in one sentence."""
    return render(
        Path(__file__).with_suffix(".html"),
        title=title,
        found_by=found_by,
        scores=scores,
        crossfit=crossfit,
        tenths=TENTHS,
        rivals=[
            (r.name, f"{r.map:.3f}", f"{r.map_bg:.3f}", *_of_tenths(r.won, r.won_crossfit))
            for r in rivals
        ],
        members=[
            (c.name, c.family, f"{c.weight:.4g}", f"{c.share:.1%}")
            + tuple(f"{value:.3f}" for value in (c.alone, c.without, c.so_far))
            for c in contributions
        ],
        pictures=[_png(figure) for figure in figures],
    )


def _of_tenths(*won: int | None) -> list[str]:
    return ["-" if one is None else f"{one} of {TENTHS}" for one in won]


def _png(figure: "Figure") -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
