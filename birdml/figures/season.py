"""A season in pictures. Where nothing was recorded, pictures are grey: a gap is no silence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from birdml.dataset.recording import SAMPLE_RATE
from birdml.figures.coast import draw_coast
from birdml.figures.style import COLOURS, GREY, INK, new_figure, tidy
from birdml.place import half_day_hours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNRECORDED = "#e4e8ec"


def _heat(axes, values: np.ndarray, extent: tuple[float, float, float, float]):
    """A picture of values [rows, columns], grey where they are NaN."""
    axes.set_facecolor(UNRECORDED)
    axes.grid(False)
    shown = np.ma.masked_invalid(values)
    return axes.imshow(
        shown, cmap="YlGnBu", vmin=0, aspect="auto", extent=extent, interpolation="nearest",
        origin="lower",
    )  # fmt: skip


def _days_below(axes, days: Sequence[date]) -> None:
    ticks = np.unique(np.linspace(0, len(days) - 1, min(len(days), 7)).astype(int))
    axes.set_xticks(ticks + 0.5, [f"{days[i]:%d %b}" for i in ticks])


def calendar_of_species(
    rates: np.ndarray, effort: np.ndarray, names: Sequence[str], days: Sequence[date]
) -> Figure:
    """Detections per hour recorded of each species and day [R, D], the best known species first;
    hours recorded per day [D] below."""
    figure = new_figure(9, 1.9 + 0.24 * len(names))
    above, below = figure.subplots(
        2, 1, sharex=True, height_ratios=[max(0.24 * len(names), 0.5), 0.9]
    )
    tidy(above, "Detections per hour recorded, by day")
    mesh = _heat(above, rates[::-1], (0, len(days), 0, len(names)))
    above.set_yticks(np.arange(len(names)) + 0.5, list(names[::-1]), style="italic")
    figure.colorbar(mesh, ax=above, pad=0.01, aspect=30)
    tidy(below, "", "", "hours recorded")
    below.bar(np.arange(len(days)) + 0.5, effort, width=0.9, color=GREY)
    below.set_xlim(0, len(days))
    _days_below(below, days)
    return figure


def day_by_hour(
    rates: np.ndarray, days: Sequence[date], suns: Sequence[np.ndarray], title: str
) -> Figure:
    """Detections per hour recorded of all species [24, D], with sunrise and sunset (hours [D])."""
    figure = new_figure(9, 4)
    axes = figure.subplots()
    tidy(axes, title, "", "hour of the day")
    figure.colorbar(_heat(axes, rates, (0, len(days), 0, 24)), ax=axes, pad=0.01, aspect=30)
    for hours, label in zip(suns, ("sunrise", "sunset")):
        line = np.array(hours)
        line[np.abs(np.diff(line, prepend=line[:1])) > 12] = np.nan
        axes.plot(np.arange(len(days)) + 0.5, line, color=COLOURS[1], linewidth=1.5)
        known = np.flatnonzero(np.isfinite(line))
        if len(known):
            axes.annotate(
                label, (known[0] + 0.7, line[known[0]]), (0, 7), textcoords="offset points", size=8,
                color=COLOURS[1], bbox={"facecolor": "white", "pad": 0.8, "linewidth": 0},
            )  # fmt: skip
    axes.set_ylim(0, 24)
    axes.set_yticks(range(0, 25, 3))
    axes.set_xlim(0, len(days))
    _days_below(axes, days)
    return figure


def activity(rates: np.ndarray, names: Sequence[str], sun: tuple[float, float] | None) -> Figure:
    """Detections per hour recorded over the hours of the day [R, 24], one panel for each species;
    hours without a recording stay empty. `sun`: sunrise and sunset in the middle of the season."""
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(9, 0.6 + 1.5 * rows)
    panels = np.atleast_1d(figure.subplots(rows, columns, sharex=True)).ravel()
    for axes, name, rate in zip(panels, names, rates):
        tidy(axes)
        axes.set_title(name, loc="left", fontsize=9, style="italic", color=INK)
        gap = ~np.isfinite(rate)
        axes.bar(np.arange(24) + 0.5, np.nan_to_num(rate), width=0.9, color=COLOURS[0])
        for hour in np.flatnonzero(gap):
            axes.axvspan(hour, hour + 1, color=UNRECORDED, linewidth=0)
        for moment in sun or ():
            axes.axvline(moment, color=COLOURS[1], linewidth=1)
        axes.set_xlim(0, 24)
        axes.set_ylim(bottom=0)
        axes.set_xticks(range(0, 25, 6))
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    figure.supxlabel("hour of the day", fontsize=9, color=INK)
    return figure


def effort_of_sites(hours: np.ndarray, sites: Sequence[str], days: Sequence[date]) -> Figure:
    """Hours recorded of each site and day [sites, D]; grey where there were none."""
    figure = new_figure(9, 1.1 + 0.2 * len(sites))
    axes = figure.subplots()
    tidy(axes, "Hours recorded, by site and day")
    mesh = _heat(axes, np.where(hours > 0, hours, np.nan)[::-1], (0, len(days), 0, len(sites)))
    figure.colorbar(mesh, ax=axes, pad=0.01, aspect=30)
    axes.set_yticks(np.arange(len(sites)) + 0.5, list(sites[::-1]))
    _days_below(axes, days)
    return figure


def map_of_sites(
    places: np.ndarray, sites: Sequence[str], counts: Sequence[int], rates: Sequence[float]
) -> Figure:
    """Sites at their places (latitude, longitude) [N, 2]: as large as species were heard there, as
    dark as detections per hour recorded."""
    figure = new_figure(7.2, 5)
    axes = figure.subplots()
    tidy(axes, "Species per site (size) and detections per hour (colour)", "longitude", "latitude")
    size = 30 + 300 * np.asarray(counts) / max(max(counts), 1)
    dots = axes.scatter(
        places[:, 1], places[:, 0], s=size, c=rates, cmap="YlGnBu", edgecolors=INK, linewidths=0.7,
        vmin=0,
    )  # fmt: skip
    figure.colorbar(dots, ax=axes, pad=0.01, aspect=30)
    for (north, east), site, count in zip(places, sites, counts):
        label = f"{site} ({count})".replace("$", r"\$")
        axes.annotate(
            label, (east, north), (5, 5), textcoords="offset points", fontsize=7, color=INK
        )
    axes.margins(0.12)
    axes.ticklabel_format(useOffset=False)
    middle = np.radians(places[:, 0].mean())
    axes.set_aspect(1 / max(np.cos(middle), 0.2), adjustable="datalim")
    draw_coast(axes)
    return figure


def spectrogram_of(samples: np.ndarray) -> Figure:
    """A clip, int16 [S] at 22 050 Hz, up to 10 kHz."""
    from birdml.signal.spectrogram import bins_for, spectrogram

    loud = 20 * np.log10(spectrogram(samples, bins_for(mel_max=10000)) + 1)
    figure = new_figure(3.6, 1.5)
    axes = figure.subplots()
    axes.imshow(
        loud.T, origin="lower", aspect="auto", cmap="magma",
        extent=(0, len(samples) / SAMPLE_RATE, 0, 10),
        vmin=np.quantile(loud, 0.2), vmax=np.quantile(loud, 0.998),
    )  # fmt: skip
    tidy(axes, "", "seconds", "kHz")
    axes.grid(False)
    return figure


def sun_hours(
    days: Sequence[date], latitude: float, longitude: float, offset: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Sunrise and sunset of each day in hours of a clock `offset` hours before UTC, [D] each.

    To about a quarter of an hour: the equation of time is left out. Without an offset the clock is
    taken for that of the sun. NaN in polar day and night.
    """
    numbers = np.array([day.timetuple().tm_yday for day in days], float)
    half = half_day_hours(numbers, np.full(len(days), np.radians(latitude)))
    half = np.where((half > 0.01) & (half < 11.99), half, np.nan)
    noon = 12.0 if offset is None else 12 - longitude / 15 + offset
    return (noon - half) % 24, (noon + half) % 24
