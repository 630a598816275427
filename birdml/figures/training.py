"""How a training went: losses, MAP and learning rate per epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from birdml.figures.style import COLOURS, GREY, INK, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def steps_back(history: Sequence[dict]) -> list[int]:
    """Epochs at whose end patience ran out: each is the first with a higher count of trials."""
    trials = [0, *(row["trial"] for row in history)]
    return [row["epoch"] for row, before in zip(history, trials) if row["trial"] > before]


def training_curves(history: Sequence[dict]) -> Figure:
    """Losses, validation MAP and learning rate over epochs.

    Args:
        history: per epoch `epoch, train_loss, valid_loss, valid_map, learning_rate, trial`
            (trials of patience that are over at its end).

    Dashed lines stand where patience ran out and training went back to its best epoch.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(7.2, 6.4)
    loss, score, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.2))
    epochs = [row["epoch"] for row in history]
    style = {"linewidth": 1.6, "marker": "o", "markersize": 3 if len(epochs) < 60 else 0}
    for key, label, colour in (
        ("train_loss", "training", COLOURS[1]),
        ("valid_loss", "validation", COLOURS[0]),
    ):
        loss.plot(epochs, [row[key] for row in history], color=colour, label=label, **style)
    tidy(loss, "Loss", y="loss")
    loss.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    maps = np.array([row["valid_map"] for row in history], dtype=float)
    score.plot(epochs, maps, color=COLOURS[2], **style)
    title = "Validation MAP"
    if np.isfinite(maps).any():
        best = int(np.nanargmax(maps))
        score.plot(epochs[best], maps[best], "o", color=INK, markersize=6, fillstyle="none")
        title += f": best {maps[best]:.3f} in epoch {epochs[best]}"
    tidy(score, title, y="MAP")
    rates = [row["learning_rate"] for row in history]
    rate.step(epochs, rates, where="mid", color=COLOURS[4], **style)
    rate.set_yscale("log")
    tidy(rate, "Learning rate", "epoch", "rate")
    rate.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for axes in (loss, score, rate):
        for epoch in steps_back(history):
            axes.axvline(epoch + 0.5, color=GREY, linestyle="--", linewidth=1)
    if steps_back(history):
        figure.supxlabel("dashed: patience ran out, back to the best epoch", fontsize=8, color=GREY)
    return figure
