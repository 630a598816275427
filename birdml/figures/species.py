"""Which species a model knows, and which it takes for each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from birdml.figures.style import COLOURS, GREY, INK, new_figure, tidy
from birdml.scoring import ranks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

LABELLED = 4  # species that are named in the picture at either end
PAIRS = 15


def map_per_species(logits: np.ndarray, foreground: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """MAP of the recordings of each species.

    Args:
        logits: [N, C].
        foreground: labels, int [N]; -1 (unknown) is left out.

    Returns:
        MAP float64 [C] (NaN where a species has no recording), recordings int64 [C].
    """
    known = foreground >= 0
    labels = foreground[known]
    counts = np.bincount(labels, minlength=logits.shape[1])
    sums = np.bincount(labels, 1 / ranks(logits[known], labels), minlength=logits.shape[1])
    return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0), counts


def score_per_species(
    logits: np.ndarray, foreground: np.ndarray, training: np.ndarray, names: Sequence[str]
) -> Figure:
    """MAP of each species against its number of training recordings.

    Args:
        logits: [N, C] of the validation recordings.
        foreground: labels of the validation recordings, int [N].
        training: training recordings of each species, int [C].
        names: of the species [C].

    The line is the mean over species with about that many recordings (eighths of all species).
    """
    maps, valid = map_per_species(logits, foreground)
    shown = np.flatnonzero((valid > 0) & (training > 0))
    figure = new_figure(7.2, 4.8)
    axes = figure.subplots()
    x, y = training[shown], maps[shown]
    axes.scatter(x, y, s=8 + 6 * np.sqrt(valid[shown]), color=COLOURS[0], alpha=0.45, linewidth=0)
    if len(shown) >= 16:
        groups = np.array_split(np.argsort(x, kind="stable"), 8)
        axes.plot(
            [np.exp(np.log(x[g]).mean()) for g in groups],
            [y[g].mean() for g in groups],
            color=COLOURS[1],
            linewidth=2,
            marker="o",
            markersize=4,
            label="mean of species with about as many",
        )
        axes.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1, 1))
    axes.set_xscale("log")
    axes.set_ylim(-0.03, 1.05)
    _name_extremes(axes, x, y, [names[int(i)] for i in shown])
    plain_counts(axes.xaxis, x)
    tidy(axes, "Score of each species", "training recordings of the species", "MAP in validation")
    return figure


def plain_counts(axis: Axis, values: np.ndarray) -> None:
    """Ticks at 1, 2, 5, 10, 20 ... that read as plain numbers on a logarithmic axis.

    Where fewer than three of them fall among the values, evenly spaced ones.
    """
    from matplotlib.ticker import (
        FixedLocator,
        MaxNLocator,
        NullFormatter,
        NullLocator,
        StrMethodFormatter,
    )

    ticks = [m * 10**e for e in range(7) for m in (1, 2, 5)]
    low, high = (values.min(), values.max()) if len(values) else (1, 10)
    inside = [t for t in ticks if low / 2 <= t <= high * 2]
    if sum(low <= t <= high for t in inside) < 3:
        even = MaxNLocator(6, integer=True).tick_values(low, high)
        inside = [int(t) for t in even if t >= 1]
    axis.set_major_locator(FixedLocator(inside))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def _name_extremes(axes: Axes, x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> None:
    """Names the species that are hard with many recordings, and easy with few."""
    if not len(x):
        note = "no species with recordings in training and validation"
        axes.text(0.5, 0.5, note, ha="center", transform=axes.transAxes, color=GREY)
        return
    position = (np.log(x) - np.log(x).min()) / max(np.ptp(np.log(x)), 1e-9)
    surprise = y - position
    taken: list[tuple[float, float]] = []  # so that no two names collide
    for order in (np.argsort(surprise, kind="stable"), np.argsort(-surprise, kind="stable")):
        named = 0
        for i in order[: len(x) // 2 + 1]:
            left = position[i] > 0.6
            middle = (position[i] + (-0.16 if left else 0.16), y[i])
            if any(abs(middle[0] - a) < 0.34 and abs(middle[1] - b) < 0.045 for a, b in taken):
                continue
            taken.append(middle)
            axes.annotate(
                names[i],
                (x[i], y[i]),
                xytext=(-6 if left else 6, 3),
                textcoords="offset points",
                ha="right" if left else "left",
                fontsize=7.5,
                style="italic",
                color=INK,
            )
            named += 1
            if named == LABELLED:
                break


def confusions(logits: np.ndarray, foreground: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Pairs of species that are taken for each other, most frequent first.

    Args:
        logits: [N, C].
        foreground: labels, int [N]; -1 is left out.

    Returns:
        (a, b, times a was taken for b, times b was taken for a) by descending sum, then label.
    """
    known = foreground >= 0
    answers = logits[known].argmax(axis=1)
    wrong = Counter(
        (int(truth), int(answer))
        for truth, answer in zip(foreground[known], answers)
        if truth != answer
    )
    pairs = {(min(pair), max(pair)) for pair in wrong}
    rows = [(a, b, wrong[a, b], wrong[b, a]) for a, b in pairs]
    return sorted(rows, key=lambda row: (-row[2] - row[3], row[:2]))


def confused_pairs(logits: np.ndarray, foreground: np.ndarray, names: Sequence[str]) -> Figure:
    """The pairs of species that are confused most, with how often in which direction.

    Shapes as in `confusions`; names [C].
    """
    from matplotlib.ticker import MaxNLocator

    rows = confusions(logits, foreground)
    wrong = sum(there + back for _, _, there, back in rows)
    shown = rows[:PAIRS]
    figure = new_figure(7.8, 1.3 + 0.29 * max(len(shown), 4))
    axes = figure.subplots()
    places = np.arange(len(shown))
    there = np.array([row[2] for row in shown])
    back = np.array([row[3] for row in shown])
    axes.barh(places, there, color=COLOURS[0], height=0.7, label="first taken for second")
    axes.barh(
        places, back, left=there, color=COLOURS[4], height=0.7, label="second taken for first"
    )
    axes.set_yticks(places, [f"{names[a]} – {names[b]}" for a, b, _, _ in shown], style="italic")
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    total = int((foreground >= 0).sum())
    tidy(axes, x=f"recordings ({wrong} of {total} are answered wrongly)")
    figure.suptitle(
        "Most confused pairs of species",
        fontsize=10,
        fontweight="bold",
        color=INK,
        x=0.01,
        ha="left",
    )
    axes.grid(False, axis="y")
    if shown:
        axes.legend(fontsize=8, frameon=False, loc="lower right")
    else:
        axes.text(
            0.5,
            0.5,
            "every recording is answered rightly",
            ha="center",
            transform=axes.transAxes,
            color=GREY,
        )
    return figure
