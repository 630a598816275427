"""How the excerpts of one training step are changed, as the recipe says.

All that is random follows from (seed, step): an interruption or another machine changes nothing.
"""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from birdml.networks.build import Network
from birdml.networks.combined import CombinedNetwork, audio_part
from birdml.signal.augment import (
    mixup,
    random_filters,
    stretch_and_shift,
)
from birdml.streams import CHANGES, stream
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
