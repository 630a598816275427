"""How the excerpts and targets of one training step are changed, as the recipe says.

All that is random follows from (seed, step): an interruption or another machine changes nothing.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from birdml.errors import UserError
from birdml.networks.build import Network
from birdml.networks.combined import CombinedNetwork, audio_part
from birdml.signal.augment import (
    class_weights,
    mixup,
    pseudo_labels,
    random_filters,
    stretch_and_shift,
)
from birdml.streams import CHANGES, stream
from birdml.training.feed import Feed
from birdml.zoo.parts import Hearing, Labels
from birdml.zoo.recipe import Recipe


def generator(seed: int, step: int) -> np.random.Generator:
    """The random numbers of a step, counted from the beginning of the training."""
    return stream(seed, CHANGES, step)


def mix(
    recipe: Hearing, samples: Tensor, weights: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Samples int16 [B, S] mixed with each other, and target weights [B, C] alike if wanted."""
    if not recipe.mixup:
        return samples, weights
    mixed, shared = mixup(samples, recipe.mixup, rng, weights if recipe.mixup_labels else None)
    return mixed, weights if shared is None else shared


def change(recipe: Hearing, magnitudes: Tensor, rng: np.random.Generator) -> Tensor:
    """Magnitudes [B, F, bins] at another tempo and pitch, filtered: [B, F', bins]."""
    if recipe.max_stretch or recipe.max_shift:
        magnitudes = stretch_and_shift(magnitudes, recipe.max_stretch, recipe.max_shift, rng)
    if recipe.filter_db:
        magnitudes = random_filters(magnitudes, recipe.filter_db, rng)
    return magnitudes


def network_outputs(
    recipe: Recipe,
    network: Network,
    inputs: Mapping[str, Tensor],
    rng: np.random.Generator | None = None,
) -> Tensor:
    """Logits [B, C], or scores [B, C + K, T] for a loss over time; with `rng`, of excerpts that
    it changes."""
    stepwise = isinstance(recipe, Labels) and recipe.loss == "step_attention"
    if rng is None and not stepwise:
        return network(*(inputs[name] for name in network.takes))
    audio = audio_part(network)
    assert audio is not None
    magnitudes = audio.spectrogram(inputs["samples"])
    if rng is not None and isinstance(recipe, Hearing):
        magnitudes = change(recipe, magnitudes, rng)
    if stepwise:
        return audio.scores_from_magnitudes(magnitudes)
    logits = audio.from_magnitudes(magnitudes)
    if isinstance(network, CombinedNetwork):
        return network.add(logits, inputs["metadata"])
    return logits


def class_factors(recipe: Labels, feed: Feed, classes: int) -> Tensor | None:
    """Factors of the targets of each class, float32 [C], or None where all classes are alike."""
    if not recipe.class_weighting:
        return None
    counts = np.bincount(feed.foreground.numpy(), minlength=classes)
    return torch.from_numpy(class_weights(counts, recipe.class_weighting))


def saved_targets(recipe: Labels, feed: Feed, classes: int) -> Tensor | None:
    """Softmax of the saved predictions of each recording, float32 [N, C], or None without them.

    `recipe.pseudo_labels` is a folder as runs hold them: `recordings.csv` with a column `file`,
    and `logits.npy` float [K, C], a row for each. Raises UserError where it does not fit.
    """
    folder = recipe.pseudo_labels
    if not folder:
        return None
    try:
        with open(Path(folder) / "recordings.csv", newline="", encoding="utf-8") as f:
            predicted = [row["file"] for row in csv.DictReader(f)]
        logits = np.load(Path(folder) / "logits.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"pseudo_labels is '{folder}', but there are no predictions to read "
            f"({error}); it is a folder with recordings.csv and logits.npy"
        ) from None
    if logits.shape != (len(predicted), classes):
        raise UserError(
            f"pseudo_labels '{folder}' holds logits {list(logits.shape)}, but "
            f"{len(predicted)} recordings and {classes} species need "
            f"{[len(predicted), classes]}; predict with a model of this dataset"
        )
    return torch.from_numpy(pseudo_labels([r.file for r in feed.recordings], predicted, logits))
