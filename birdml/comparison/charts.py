"""Charts as HTML and SVG that need nothing else: they grow and shrink with the page.

Names in them are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from birdml.comparison.statistics import Interval


def signed(value: float) -> str:
    """Three digits with a sign, a true minus, and no sign at zero."""
    text = f"{value:+.3f}"
    return "0.000" if float(text) == 0 else text.replace("-", "−")


class Scale:
    """From figures to per cent of a track's width."""

    def __init__(self, values: Sequence[float]):
        low, high = min(values), max(values)
        margin = max((high - low) * 0.04, 1e-6)
        self.low, self.high = low - margin, high + margin

    def percent(self, value: float) -> float:
        return 100 * (value - self.low) / (self.high - self.low)


def track(one: Interval, scale: Scale, zero: bool = False) -> Markup:
    """A dot at the figure in its interval; with `zero`, a line at 0 and colours by the sign."""
    kind = ""
    if zero:
        kind = " unsure" if one.low <= 0 <= one.high else " worse" if one.value < 0 else ""
    left, right = scale.percent(one.low), scale.percent(one.high)
    line = f'<u style="left:{scale.percent(0):.2f}%"></u>' if zero else ""
    return Markup(
        f'<span class="track{kind}">{line}'
        f'<i style="left:{left:.2f}%;width:{right - left:.2f}%"></i>'
        f'<b style="left:{scale.percent(one.value):.2f}%"></b></span>'
    )


def bar(value: float, largest: float) -> Markup:
    """A bar whose length is the share of the largest value."""
    width = 100 * value / largest if largest > 0 else 0
    return Markup(f'<span class="track"><s style="left:0;width:{width:.2f}%"></s></span>')


def matrix(names: Sequence[str], values: np.ndarray, shades: np.ndarray, texts, titles) -> Markup:
    """A table [K, K] of coloured cells.

    Args:
        names: of rows and columns [K].
        values: only for which cells are empty (NaN) [K, K].
        shades: from -1 (worst colour) to 1 (best) [K, K].
        texts, titles: functions of row and column: what a cell shows, and tells when pointed at.
    """
    head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in names)
    rows = []
    for i, name in enumerate(names):
        cells = [f'<th scope="row">{escape(name)}</th>']
        for j in range(len(names)):
            if i == j or np.isnan(values[i, j]):
                cells.append("<td></td>")
                continue
            shade = float(shades[i, j])
            colour = f"rgb(var(--{'good' if shade > 0 else 'bad'}) / {0.75 * abs(shade):.2f})"
            cells.append(
                f'<td style="background:{colour}" title="{escape(titles(i, j))}">{texts(i, j)}</td>'
            )
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return Markup(
        f'<div class="wide"><table class="matrix"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def scatter(
    points: Sequence[tuple[float, float, str, str]], x_title: str, y_title: str, label: str
) -> Markup:
    """Points (x, y, name, kind) over a logarithmic x axis, as SVG."""
    width, height, left, bottom, top = 480.0, 300.0, 44.0, 34.0, 14.0
    logs = [np.log10(max(x, 1e-3)) for x, *_ in points]
    across, up = Scale([min(logs) - 0.05, max(logs) + 0.05]), Scale([y for _, y, *_ in points])

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + (width - left - 12) * across.percent(x) / 100,
            top + (height - top - bottom) * (1 - up.percent(y) / 100),
        )

    parts = []
    for value in _ticks(up.low, up.high):
        _, y = place(logs[0], value)
        parts.append(
            f'<line class="axis" x1="{left}" x2="{width - 12}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(_text(left - 5, y + 3, f"{value:.3g}", "end", "tick"))
    for value in (factor * 10.0**power for power in range(-3, 7) for factor in (1, 2, 5)):
        if across.low <= np.log10(value) <= across.high:
            x, _ = place(float(np.log10(value)), up.low)
            parts.append(_text(x, height - bottom + 14, f"{value:g}", "middle", "tick"))
    best_first = sorted(zip(logs, points), key=lambda p: -p[1][1])
    places = [place(float(log), value) for log, (_, value, *_) in best_first]
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in places]
    for (x, y), (_, (_, value, name, kind)) in zip(places, best_first):
        parts.append(
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4">'
            f"<title>{escape(name)}: {value:.3f}</title></circle>"
        )
        for dx, dy, anchor in BESIDE:
            box = _text_box(x + dx, y + dy, name, anchor)
            inside = box[0] > left and box[2] < width
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                parts.append(_text(x + dx, y + dy, name, anchor))
                break
    parts.append(_text((left + width) / 2, height - 4, x_title, "middle"))
    parts.append(_text(4, 10, y_title))
    return Markup(
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


# Places of a name: right of its point, left, above, below. Where all are taken, a touch tells it.
BESIDE = ((7.0, 3.5, "start"), (-7.0, 3.5, "end"), (0.0, -7.0, "middle"), (0.0, 14.0, "middle"))
Box = tuple[float, float, float, float]  # left, top, right, bottom


def _text_box(x: float, y: float, text: str, anchor: str) -> Box:
    width = 6.2 * len(text)  # of the font that page.css gives to SVG
    left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * width
    return left, y - 8, left + width, y + 2


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _ticks(low: float, high: float) -> list[float]:
    """About five round values between two ends."""
    span = high - low
    step = 10.0 ** np.floor(np.log10(span / 4))
    step = next(step * factor for factor in (1, 2, 5, 10) if span / (step * factor) <= 6)
    first = np.ceil(low / step)
    return [float(step * (first + i)) for i in range(int((high - first * step) / step) + 1)]
