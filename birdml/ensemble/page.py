"""An ensemble as one HTML page that needs no network: its scores, its rivals, its members."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from birdml.ensemble.contributions import Contribution
from birdml.ensemble.crossfit import Crossfit
from birdml.scoring import TENTHS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #22313f; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; }
table { border-collapse: collapse; margin: 0.5rem 0 1.5rem; }
th, td { padding: 0.15rem 0.9rem 0.15rem 0; text-align: left; border-bottom: 1px solid #e4e8ec; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
img { max-width: 100%; }
"""


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
    rows = [["on the recordings that chose the weights", _3(scores["map"]), _3(scores["map_bg"])]]
    if crossfit is not None:
        rows.append(
            ["with weights found on other recordings", _3(crossfit.map), _3(crossfit.map_bg)]
        )
    tops = ", ".join(f"top {k} {scores[f'top{k}']:.3f}" for k in range(1, 6))
    against = [
        [r.name, _3(r.map), _3(r.map_bg), f"{r.won} of {TENTHS}"]
        + [f"{r.won_crossfit} of {TENTHS}" if r.won_crossfit is not None else "-"]
        for r in rivals
    ]
    members = [
        [c.name, c.family, f"{c.weight:.4g}", f"{c.share:.1%}", _3(c.alone), _3(c.without)]
        + [_3(c.so_far)]
        for c in contributions
    ]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<link rel="icon" href="data:,">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1><p>{escape(found_by)}</p>",
            "<h2>How good it is</h2>",
            _table(["", "MAP", "MAP-bg"], rows),
            f"<p>{tops}. The first line flatters; expect the second on new recordings.</p>",
            "<h2>Against others</h2>",
            f"<p>On how many of {TENTHS} random tenths of the recordings it is better.</p>",
            _table(["", "MAP", "MAP-bg", "tenths won", "tenths won, cross-fitted"], against),
            "<h2>Members</h2>",
            _table(
                ["", "family", "weight", "share", "alone", "ensemble without it", "so far"],
                members,
            ),
            *(f'<p><img alt="" src="data:image/png;base64,{_png(f)}"></p>' for f in figures),
            "</body></html>\n",
        ]
    )


def _3(value: float) -> str:
    return f"{value:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        kinds = ["", *[' class="number"'] * (len(cells) - 1)]
        cell = (f"<{tag}{kind}>{escape(c)}</{tag}>" for c, kind in zip(cells, kinds))
        return f"<tr>{''.join(cell)}</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def _png(figure: "Figure") -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return base64.b64encode(buffer.getvalue()).decode()
