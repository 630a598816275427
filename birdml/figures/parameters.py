"""What an audio network's frontend learned: compression, loudness and places of mel bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from birdml.dataset.recording import SAMPLE_RATE
from birdml.figures.style import COLOURS, GREY, new_figure, tidy
from birdml.signal.spectrogram import FRAME_LENGTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def frontend(
    bank: np.ndarray, mean: np.ndarray, deviation: np.ndarray, exponent: float | None
) -> Figure:
    """How loud each mel band is on average, and the learned compression x ** exponent.

    Args:
        bank: filters [bins, M].
        mean, deviation: of each compressed band over the training recordings [M].
        exponent: None for a network with another kind of compression.
    """
    figure = new_figure(9.0 if exponent is not None else 6.4, 3.9)
    panels = figure.subplots(1, 2 if exponent is not None else 1, squeeze=False)[0]
    centres = band_centres(bank)
    bands = panels[-1]
    bands.fill_between(
        centres, mean - deviation, mean + deviation, color=COLOURS[2], alpha=0.25, linewidth=0
    )
    bands.plot(centres, mean, color=COLOURS[2], linewidth=1.8)
    tidy(bands, "Mel bands: mean and deviation", "frequency (kHz)", "compressed magnitude")
    if exponent is not None:
        axes = panels[0]
        x = np.linspace(0, 1, 400)
        axes.plot(x, x, color=GREY, linestyle=":", linewidth=1.2, label="none: x")
        axes.plot(x, np.sqrt(x), color=GREY, linewidth=1.4, label="at the start: x$^{0.5}$")
        label = f"learned: x$^{{{exponent:.3f}}}$"
        axes.plot(x, x**exponent, color=COLOURS[0], linewidth=2.4, label=label)
        tidy(axes, f"Compression: exponent {exponent:.3f}", "magnitude, loudest = 1", "compressed")
        axes.legend(fontsize=8.5, frameon=False, loc="lower right")
    return figure


def mel_bands(bank: np.ndarray, start: np.ndarray) -> Figure:
    """Where the bands of a learned filter bank went.

    Args:
        bank, start: filters after and before training [bins, M].
    """
    bins, bands = bank.shape
    frequencies = np.arange(bins) * SAMPLE_RATE / FRAME_LENGTH / 1000
    figure = new_figure(7.2, 5.4)
    triangles, peaks = figure.subplots(2, 1, height_ratios=(1, 1.5))
    for band in range(bands):
        weights = bank[:, band] / max(bank[:, band].max(), 1e-30)
        beside = np.convolve(weights > 0, np.ones(3), "same") > 0  # the feet belong to it
        triangles.plot(
            frequencies, np.where(beside, weights, np.nan), color=COLOURS[band % 3], linewidth=0.9
        )
    tidy(triangles, f"{bands} learned mel bands, each scaled to 1", "frequency (kHz)", "weight")
    peaks.plot(band_centres(start), color=GREY, linewidth=1.5, label="before training")
    peaks.plot(band_centres(bank), ".", color=COLOURS[0], label="learned")
    tidy(peaks, "Centre of each band", "band", "frequency (kHz)")
    peaks.legend(fontsize=8.5, frameon=False, loc="upper left")
    return figure


def band_centres(bank: np.ndarray) -> np.ndarray:
    """Centre of gravity of each band in kHz [M]; NaN for a band that lies between two bins."""
    frequencies = np.arange(len(bank)) * SAMPLE_RATE / FRAME_LENGTH / 1000
    sums = bank.sum(axis=0)
    return np.where(sums > 0, frequencies @ bank / np.where(sums > 0, sums, 1), np.nan)
