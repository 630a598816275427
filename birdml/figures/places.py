"""What a metadata model believes: which species where, and when in the year and the day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from birdml.figures.coast import draw_coast
from birdml.figures.style import COLOURS, INK, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# a metadata table [N, 5]: day of year, minute of day, latitude, longitude, elevation (NaN unknown)
Logits = Callable[[np.ndarray], np.ndarray]  # metadata table [N, 5] -> logits [N, C]
DAY, MINUTE, LATITUDE, LONGITUDE, ELEVATION = range(5)
CELLS = 90  # along the longer side of the map
MOMENTS = 4  # days and hours that a place's answer is averaged over
NAMED = 8
MONTHS = (1, 32, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335)  # first days
OTHER = "#d5dbe1"


def placed(table: np.ndarray) -> np.ndarray:
    """Rows of a metadata table [N, 5] whose latitude and longitude are known, bool [N]."""
    return np.isfinite(table[:, [LATITUDE, LONGITUDE]]).all(axis=1)


def _moments(table: np.ndarray, count: int) -> np.ndarray:
    """Days and minutes of `count` recordings spread evenly over the year [count, 2]."""
    known = table[np.isfinite(table[:, [DAY, MINUTE]]).all(axis=1)][:, [DAY, MINUTE]]
    if not len(known):
        return np.full((1, 2), np.nan)
    known = known[np.argsort(known[:, 0], kind="stable")]
    return known[((np.arange(count) + 0.5) / count * len(known)).astype(int)]


def _grid(places: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Square cells over the inner 99 % of all places: latitudes, longitudes, length of a side."""
    low, high = np.percentile(places, (0.5, 99.5), axis=0)
    side = float(max((high - low).max() * 1.06, 0.1)) / CELLS
    counts = np.maximum(np.ceil((high - low) * 1.06 / side), 1).astype(int)
    latitudes, longitudes = (
        middle + (np.arange(count) - (count - 1) / 2) * side
        for middle, count in zip((low + high) / 2, counts)
    )
    return latitudes, longitudes, side


def map_of_species(logits: Logits, table: np.ndarray, names: Sequence[str]) -> Figure:
    """The most probable species over place, where recordings of the training set are near.

    Args:
        logits: the model, from metadata tables [N, 5] to logits [N, C].
        table: metadata of the training recordings [N, 5].
        names: of the species [C].

    Elevation is that of the nearest training recording; probabilities are averaged over a few days
    and hours that training recordings have. Raises ValueError where no place is known.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.lines import Line2D
    from scipy.spatial import cKDTree

    known = table[placed(table)]
    if not len(known):
        raise ValueError("no recording with a known place")
    places = known[:, [LATITUDE, LONGITUDE]]
    latitudes, longitudes, side = _grid(places)
    cells = np.stack(np.meshgrid(latitudes, longitudes, indexing="ij"), axis=-1).reshape(-1, 2)
    distance, nearest = cKDTree(places).query(cells)
    shown = np.flatnonzero(distance <= 1.5 * side)
    moments = _moments(table, MOMENTS)
    rows = np.full((len(shown), 5), np.nan)
    rows[:, [LATITUDE, LONGITUDE]] = cells[shown]
    rows[:, ELEVATION] = known[nearest[shown], ELEVATION]
    total = np.zeros(1)
    for day, minute in moments:
        rows[:, DAY], rows[:, MINUTE] = day, minute
        total = total + softmax(logits(rows), axis=1)
    answer = total.argmax(axis=1)
    found, counts = np.unique(answer, return_counts=True)
    top = found[np.argsort(-counts, kind="stable")][:NAMED]
    colour_of = np.full(len(names), len(top))
    colour_of[top] = np.arange(len(top))
    picture = np.full(len(cells), np.nan)
    picture[shown] = colour_of[answer]

    aspect = 1 / max(np.cos(np.deg2rad(latitudes.mean())), 0.2)
    height = 5.2 * np.clip(aspect * len(latitudes) / len(longitudes), 0.45, 1.5)
    figure = new_figure(8.0, height + 0.6)
    axes = figure.subplots()
    axes.pcolormesh(
        longitudes,
        latitudes,
        picture.reshape(len(latitudes), len(longitudes)),
        cmap=ListedColormap([*COLOURS[: len(top)], OTHER]),
        vmin=-0.5,
        vmax=len(top) + 0.5,
    )
    some = places[:: max(1, len(places) // 3000)]
    axes.plot(some[:, 1], some[:, 0], ".", color=INK, markersize=1.2, alpha=0.6)
    axes.set_xlim(longitudes[0] - side / 2, longitudes[-1] + side / 2)
    axes.set_ylim(latitudes[0] - side / 2, latitudes[-1] + side / 2)
    axes.set_aspect(aspect)
    draw_coast(axes)
    tidy(axes, "Most probable species by place", "longitude (°)", "latitude (°)")
    squares = [
        Line2D([], [], marker="s", linestyle="", markersize=8, color=c)
        for c in [*COLOURS[: len(top)], OTHER]
    ]
    labels = [names[i] for i in top] + [f"{max(len(found) - len(top), 0)} other species"]
    dot = Line2D([], [], marker=".", linestyle="", color=INK)
    figure.legend(
        [*squares, dot],
        [*labels, "training recording"],
        loc="outside right upper",
        fontsize=8,
        frameon=False,
    )
    return figure


def densest_place(table: np.ndarray) -> np.ndarray:
    """Latitude, longitude and elevation [3] of the training recording with most others within 1°.

    Raises ValueError where no place is known.
    """
    from scipy.spatial import cKDTree

    known = table[placed(table)]
    if not len(known):
        raise ValueError("no recording with a known place")
    places = known[:: max(1, len(known) // 2000)]
    tree = cKDTree(known[:, [LATITUDE, LONGITUDE]])
    near = tree.query_ball_point(places[:, [LATITUDE, LONGITUDE]], 1.0, return_length=True)
    return places[int(np.argmax(near)), LATITUDE:]


def season_by_hour(logits: Logits, table: np.ndarray, names: Sequence[str]) -> Figure:
    """Probability over season and hour of the six likeliest species where most recordings are.

    Arguments as in `map_of_species`; where no place is known, place and elevation are unknown.
    """
    known = bool(placed(table).any())
    place = densest_place(table) if known else np.full(3, np.nan)
    days, minutes = np.arange(4, 366, 7.5), np.arange(15, 1440, 45)
    rows = np.empty((len(days) * len(minutes), 5))
    rows[:, DAY] = np.tile(days, len(minutes))
    rows[:, MINUTE] = np.repeat(minutes, len(days))
    rows[:, LATITUDE:] = place
    probability = softmax(logits(rows), axis=1)
    likely = np.argsort(-probability.mean(axis=0), kind="stable")[:6]
    figure = new_figure(8.4, 5.2)
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    for axes, label in zip(panels.flat, likely):
        picture = probability[:, label].reshape(len(minutes), len(days))
        mesh = axes.pcolormesh(days, minutes / 60, picture, cmap="YlGnBu", vmin=0)
        bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=30)
        bar.ax.tick_params(labelsize=7, colors=INK)
        bar.outline.set_visible(False)
        tidy(axes)
        axes.grid(False)
        axes.set_title(names[label], fontsize=9, style="italic", color=INK, loc="left")
        axes.set_xticks(MONTHS, "JFMAMJJASOND")
        axes.set_yticks(range(0, 25, 6))
    for axes in panels.flat[len(likely) :]:
        axes.set_axis_off()
    where = "any place"
    if known:
        where = f"latitude {place[0]:.1f}°, longitude {place[1]:.1f}°"
        where += f", {place[2]:.0f} m" if np.isfinite(place[2]) else ""
    figure.suptitle(
        f"Probability by season and hour ({where})",
        fontsize=10,
        color=INK,
        fontweight="bold",
        x=0.01,
        ha="left",
    )
    figure.supylabel("hour of the day", fontsize=9, color=INK)
    figure.supxlabel("month", fontsize=9, color=INK)
    return figure
