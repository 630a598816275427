"""All figures of one trained model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from birdml.dataset.prepared import Dataset
from birdml.figures.parameters import frontend, mel_bands
from birdml.figures.places import map_of_species, placed, season_by_hour
from birdml.figures.species import confused_pairs, score_per_species
from birdml.figures.style import species_names
from birdml.figures.training import training_curves
from birdml.metadata import metadata_table
from birdml.zoo.parts import Hearing, Metadata

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from birdml.zoo.saved import SavedModel


def run_figures(
    model: SavedModel, dataset: Dataset, logits: np.ndarray, history: Sequence[dict]
) -> dict[str, Figure]:
    """Figures by name: what a model learned, where it fails and how its training went.

    Args:
        model: as trained, its network in evaluation mode.
        dataset: that it was trained on.
        logits: of the validation recordings, in the dataset's order, float [N, C].
        history: per epoch, see `training_curves`; where it is empty there are no curves.
    """
    foreground = dataset.foreground(dataset.split("valid"))
    train = dataset.split("train")
    labels = dataset.foreground(train)
    training = np.bincount(labels[labels >= 0], minlength=len(dataset.classes))
    names = species_names(model.species)
    figures = {
        "score_per_species": score_per_species(logits, foreground, training, names),
        "confused_pairs": confused_pairs(logits, foreground, names),
    }
    if history:
        figures["training_curves"] = training_curves(history)
    if isinstance(model.recipe, Hearing):
        figures |= _frontend_figures(model)
    recipe = model.recipe
    if isinstance(recipe, Metadata) and not recipe.takes_samples:
        figures |= _metadata_figures(recipe, model.network, metadata_table(train), names)
    return figures


def _frontend_figures(model: SavedModel) -> dict[str, Figure]:
    network: Any = model.network
    recipe = model.recipe
    assert isinstance(recipe, Hearing)
    part = getattr(network, "audio", network).frontend
    state = {key: value.detach().cpu().numpy() for key, value in part.state_dict().items()}
    learned = recipe.filterbank == "mel_learn"
    bank = part.filterbank.filters().detach() if learned else part.filterbank.filters
    bank = bank.cpu().numpy()
    exponent = None
    if recipe.magnitude == "power":
        exponent = float(1 / (1 + np.exp(-state["magnitude.a"])))
    mean = state["standardise.normalise.mean"]
    deviation = 1 / state["standardise.normalise.inv_std"]
    figures = {"frontend": frontend(bank, mean, deviation, exponent)}
    if learned:
        from birdml.networks.frontend import LearnableMelBank

        fresh = LearnableMelBank(recipe.mel_bands, recipe.mel_min, recipe.mel_max)
        figures["mel_bands"] = mel_bands(bank, fresh.filters().detach().numpy())
    return figures


def _metadata_figures(
    recipe: Metadata, network: Any, table: np.ndarray, names: Sequence[str]
) -> dict[str, Figure]:
    import torch

    device = next(network.parameters()).device

    def logits(rows: np.ndarray) -> np.ndarray:
        encoded = recipe.encoded(rows)
        with torch.no_grad():
            return network(torch.from_numpy(encoded).to(device)).cpu().numpy()

    figures = {}
    if {"latitude", "longitude"} <= set(recipe.fields) and placed(table).any():
        figures["map_of_species"] = map_of_species(logits, table, names)
    if {"date", "time"} & set(recipe.fields):
        figures["season_by_hour"] = season_by_hour(logits, table, names)
    return figures
