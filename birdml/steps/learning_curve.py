"""Learning curves: how good a model is with so many training recordings of each species."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from birdml.dataset.prepared import Dataset
from birdml.prediction.split import predict_split
from birdml.scoring import score
from birdml.streams import PICK, stream
from birdml.training.trainer import train
from birdml.zoo.identity import model_seed
from birdml.zoo.recipe import Recipe
from birdml.zoo.saved import SavedModel

ASIDE = "aside"  # the split of training recordings that are not learned from


class _Nobody:
    """Is told of epochs, keeps nothing."""

    def resume(self) -> None:
        return None

    def epoch(self, metrics: dict[str, float], state: Any) -> None:
        pass


def with_few(dataset: Dataset, count: int, draw: int) -> Dataset:
    """The dataset with at most so many training recordings of each species.

    A draw is an order of each species' recordings; fewer are always the first of more. Its name,
    digest and files stay, so that embeddings are found again.
    """
    places: dict[str, list[int]] = {}
    for row, recording in enumerate(dataset.recordings):
        if recording.split == "train" and recording.species in dataset.label_of:
            places.setdefault(recording.species, []).append(row)
    kept: set[int] = set()
    for species in sorted(places):
        rows = sorted(places[species], key=lambda row: dataset.recordings[row].file)
        order = stream(draw, PICK, dataset.label_of[species]).permutation(len(rows))
        kept |= {rows[i] for i in order[:count]}
    return replace(
        dataset,
        recordings=tuple(
            replace(r, split=ASIDE) if r.split == "train" and row not in kept else r
            for row, r in enumerate(dataset.recordings)
        ),
    )


def largest(dataset: Dataset) -> int:
    """The most training recordings that a species has."""
    train_ = [r.species for r in dataset.split("train") if r.species in dataset.label_of]
    return max(np.unique(train_, return_counts=True)[1], default=0)


def figures_of(
    recipe: Recipe, dataset: Dataset, count: int, draw: int, device: str = "cpu"
) -> dict[str, float]:
    """MAP, MAP-bg and top-1..5 on the validation recordings of a model that is trained on so many
    recordings of each species; `recordings`, how many these are in all.

    Raises UserError as `train` and `predict_split` do.
    """
    few = with_few(dataset, count, draw)
    seed = model_seed(draw, recipe.name)
    trained = train(recipe, few, seed, _Nobody(), device=device)
    model = SavedModel(recipe, trained.network, few.species, few.name, few.digest, "")
    logits = predict_split(model, few, "valid", device=device).logits
    valid: Sequence = few.split("valid")
    found = score(logits, few.foreground(valid), few.present(valid))
    return {"recordings": float(len(few.split("train"))), **found}
