"""The training of a kernel model, which answers from the recordings that it keeps."""

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
from torch import Tensor

from birdml.networks.kernel import KernelNetwork
from birdml.training.epochs import EpochTraining
from birdml.training.feed import Batch
from birdml.training.objective import shares
from birdml.training.repeats import recordist_groups, repeat_weights
from birdml.zoo.recipe import KernelRecipe

KEPT_DIGITS = 1  # of degrees: places of kept recordings that are alike are 10 km wide


class KernelTraining(EpochTraining):
    """A training in epochs, of a network that is given the training recordings first."""

    def _fill_network(self) -> None:
        recipe = cast(KernelRecipe, self.recipe)
        weights = repeat_weights(self.feed.recordings, recipe.repeats, KEPT_DIGITS)
        cast(KernelNetwork, self.network).remember(
            torch.from_numpy(recipe.encoded(self.feed.table)),
            shares(self.feed.foreground, self.feed.present, recipe.background_weight),
            torch.from_numpy(weights),
        )
        self.groups = torch.from_numpy(recordist_groups(self.feed.recordings)).to(self.device)

    def _outputs(
        self, batch: Batch, inputs: Mapping[str, Tensor], rng: np.random.Generator | None
    ) -> Tensor:
        """Nobody is told by what they recorded themselves."""
        rows = torch.from_numpy(batch.indices).to(self.device)
        network = cast(KernelNetwork, self.network)
        return network(inputs["metadata"], self.groups[rows], self.groups)
