"""A recording at a glance: its mel spectrogram, and under it which species is heard when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from birdml.dataset.recording import SAMPLE_RATE
from birdml.figures.style import COLOURS, GREY, INK, new_figure, tidy
from birdml.signal.spectrogram import FRAME_LENGTH, HOP, mel_filterbank, spectrogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BANDS, LOWEST, HIGHEST = 120, 150.0, 10500.0  # of the picture: finer than what networks see
KILOHERTZ = (0.5, 1, 2, 3, 4, 6, 8, 10)
RANGE = 45.0  # dB from white to black
SALIENT = "#e0561b"


def detection_figure(
    samples: np.ndarray,
    times: np.ndarray,
    shares: np.ndarray,
    names: Sequence[str],
    title: str,
    first: float = 0.0,
    attention: np.ndarray | None = None,
    saliency: tuple[np.ndarray, np.ndarray, str] | None = None,
    truth: Sequence[str] = (),
) -> Figure:
    """Spectrogram, curves of the best species, and attention.

    Args:
        samples: int16 [S] of the stretch that is shown.
        times: of the curves, seconds in the recording [T].
        shares: of each species in the softmax, 0..1 [T, K].
        names: of these species [K], the best first.
        title: above everything.
        first: second of the recording at which the stretch begins.
        attention: weight over time [T], in any unit; None where the model has none.
        saliency: magnitudes >= 0 [F, M], the mel bands' centres in Hz [M], and whose it is.
        truth: names among `names` that really are in the recording: their curves are thicker.
    """
    rows = [5.0, 3.2] + ([0.8] if attention is not None else [])
    seconds = len(samples) / SAMPLE_RATE
    figure = new_figure(width=float(np.clip(6 + seconds / 8, 8, 13)), height=5.4)
    axes = figure.subplots(len(rows), 1, sharex=True, height_ratios=rows, squeeze=False)[:, 0]
    _draw_spectrogram(axes[0], samples, first)
    if saliency is not None:
        _overlay(axes[0], *saliency, first)
    tidy(axes[0], title, y="kHz")
    axes[0].grid(False)
    for curve, name in enumerate(names):
        axes[1].plot(
            times,
            shares[:, curve],
            color=COLOURS[curve],
            linewidth=2.4 if name in truth else 1.4,
            label=f"{name} ✓" if name in truth else name,
        )
    tidy(axes[1], y="score")
    axes[1].set_ylim(-0.02, 1.02)
    axes[1].legend(
        fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.02), frameon=False, handlelength=1.2
    )
    if attention is not None:
        tidy(axes[2], y="attention")
        axes[2].fill_between(times, attention / max(attention.max(), 1e-12), color=GREY)
        axes[2].set_ylim(0, 1)
        axes[2].set_yticks([])
        axes[2].yaxis.label.set_rotation(0)
        axes[2].yaxis.label.set_horizontalalignment("right")
        axes[2].yaxis.label.set_verticalalignment("center")
    axes[-1].set_xlabel("seconds", fontsize=9, color=INK)
    axes[-1].set_xlim(first, first + seconds)
    return figure


def _draw_spectrogram(axes: Axes, samples: np.ndarray, first: float) -> None:
    """Decibels over the quiet level of each band, dark where loud, on a mel axis in kHz."""
    magnitudes = spectrogram(samples, bins=FRAME_LENGTH // 2 + 1)
    bank = mel_filterbank(BANDS, LOWEST, HIGHEST).astype(np.float32)
    level = 20 * np.log10(magnitudes @ bank + 1.0)
    level -= np.median(level, axis=0)
    top = max(float(np.percentile(level, 99.7)), 12.0)
    axes.imshow(
        level.T,
        origin="lower",
        aspect="auto",
        cmap="Greys",
        vmin=max(0.0, top - RANGE),
        vmax=top,
        interpolation="bilinear",
        extent=(*_extent(len(level), first), _mel(LOWEST), _mel(HIGHEST)),
    )
    axes.set_yticks([_mel(1000 * k) for k in KILOHERTZ], [f"{k:g}" for k in KILOHERTZ])


def _overlay(
    axes: Axes, saliency: np.ndarray, centres: np.ndarray, name: str, first: float
) -> None:
    """Where the network looks for a species, in colour over the spectrogram."""
    from matplotlib.colors import LinearSegmentedColormap

    grid = np.linspace(_mel(LOWEST), _mel(HIGHEST), BANDS)
    bands = np.interp(grid, _mel(centres), np.arange(len(centres)))
    low = np.floor(bands).astype(int).clip(0, len(centres) - 2)
    part = (bands - low)[:, None]
    strength = saliency.T[low] * (1 - part) + saliency.T[low + 1] * part
    strength = np.clip(strength / max(float(np.percentile(strength, 99.5)), 1e-12), 0, 1)
    clear = LinearSegmentedColormap.from_list("clear", [(*_rgb(SALIENT), 0), (*_rgb(SALIENT), 0.8)])
    axes.imshow(
        strength,
        origin="lower",
        aspect="auto",
        cmap=clear,
        vmin=0,
        vmax=1,
        interpolation="bilinear",
        extent=(*_extent(len(saliency), first), _mel(LOWEST), _mel(HIGHEST)),
    )
    axes.text(
        0.995,
        0.97,
        f"orange: what speaks for {name}",
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=8,
        color=SALIENT,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 2},
    )


def _extent(frames: int, first: float) -> tuple[float, float]:
    """Left and right edge in seconds of that many frames, each drawn around its centre."""
    left = first + (FRAME_LENGTH - HOP) / 2 / SAMPLE_RATE
    return left, left + frames * HOP / SAMPLE_RATE


def _mel(hertz):
    return 1127 * np.log1p(np.asarray(hertz) / 700)


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)
