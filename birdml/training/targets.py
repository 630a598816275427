"""What the recordings of a training should be taken for, as the recipe says."""

import csv
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from birdml.errors import UserError
from birdml.signal.augment import class_weights, pseudo_labels
from birdml.training.feed import Batch, Feed
from birdml.training.objective import marked_targets, shares, targets
from birdml.zoo.parts import Labels, Shares
from birdml.zoo.recipe import Recipe


class Targets:
    """Target weights of the batches of a feed, float32 [B, C]."""

    def __init__(self, recipe: Recipe, feed: Feed, classes: int, device: torch.device):
        self.recipe, self.classes, self.device = recipe, classes, device
        self.saved: Tensor | None = None  # softmax of saved predictions [N, C]
        self.factors: Tensor | None = None  # of each class [C]
        if isinstance(recipe, Labels):
            self.saved = saved_targets(recipe, feed, classes)
            self.factors = class_factors(recipe, feed, classes)

    def of(self, batch: Batch) -> Tensor:
        """What a training batch should be taken for, without what a teacher says of it."""
        recipe, background = self.recipe, 0.0
        if isinstance(recipe, Shares):
            if not isinstance(recipe, Labels) or recipe.background:
                background = recipe.background_weight
            weights = shares(batch.foreground, batch.present, background)
            if isinstance(recipe, Labels) and recipe.loss == "binary":
                return (weights > 0).to(weights.dtype)
            return self._with_saved(weights, batch)
        assert isinstance(recipe, Labels)
        present = batch.present if recipe.background else None
        weights = targets(batch.foreground.clamp(min=0), present, self.classes)
        weights = self._with_saved(_as_heard(weights, batch, recipe.background), batch)
        return weights.clamp(max=1) if recipe.loss == "binary" else weights

    def weighted(self, weights: Tensor) -> Tensor:
        """Targets times the factors of their classes."""
        return weights if self.factors is None else weights * self.factors.to(self.device)

    def of_validation(self, batch: Batch) -> Tensor:
        """What the validation loss is told against: the foreground species, or what is marked."""
        weights = _as_heard(targets(batch.foreground, None, self.classes), batch, False)
        if isinstance(self.recipe, Labels) and self.recipe.loss == "binary":
            return (weights > 0).to(weights.dtype)
        return weights

    def _with_saved(self, weights: Tensor, batch: Batch) -> Tensor:
        if self.saved is None:
            return weights
        return weights + self.saved[torch.from_numpy(batch.indices)].to(self.device)


def _as_heard(weights: Tensor, batch: Batch, background: bool) -> Tensor:
    """Target weights [B, C], of annotated excerpts those of what sings in them."""
    if batch.complete is None or batch.heard is None:
        return weights
    heard = marked_targets(batch.heard, background)
    return torch.where(batch.complete[:, None], heard, weights)


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
