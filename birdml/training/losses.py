"""The losses that a recipe can name; one value per example, [B].

The cross-entropy that all published models use is in `birdml.training.objective`, like the targets.
What the logits of a trained network mean: with `cross_entropy` and `step_attention` their softmax
is the probability of each species to be the one in the foreground; with `binary`, the sigmoid of
each one is the probability that this species is heard (`submit -P probabilities=sigmoid`).
"""

from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from birdml.networks.audio import AudioNetwork
from birdml.networks.build import Network
from birdml.networks.pooling import Attention
from birdml.training.objective import cross_entropy
from birdml.zoo.parts import Labels
from birdml.zoo.recipe import Recipe


def example_losses(
    recipe: Recipe,
    network: Network,
    outputs: Tensor,
    weights: Tensor,
    complete: Tensor | None = None,
) -> Tensor:
    """The loss of a recipe, [B], of logits [B, C] against target weights [B, C].

    `step_attention` takes scores before pooling, [B, C + K, T]. `complete`, bool [B]: all that
    sings in these is known.
    """
    loss = recipe.loss if isinstance(recipe, Labels) else "cross_entropy"
    if isinstance(recipe, Labels) and loss == "binary":
        return binary_cross_entropy(outputs, weights, recipe.ignored_top, complete)
    if loss == "step_attention":
        return step_cross_entropy(
            outputs, cast(Attention, cast(AudioNetwork, network).pool), weights
        )
    return cross_entropy(outputs, weights)


def step_cross_entropy(scores: Tensor, attention: Attention, weights: Tensor) -> Tensor:
    """Cross-entropy of each output over time, averaged with the attention weights of the outputs.

    Takes scores before pooling [B, C + K, T] (`AudioNetwork.scores`) and the target weights of the
    classes [B, C].
    """
    log_likelihood = scores[:, : -attention.extra].float().log_softmax(dim=1)
    per_step = -torch.einsum("bct,bc->bt", log_likelihood, weights)
    return (attention.weights(scores) * per_step).sum(dim=1)


def binary_cross_entropy(
    logits: Tensor, weights: Tensor, ignored: int = 10, complete: Tensor | None = None
) -> Tensor:
    """Binary cross-entropy of logits [B, C] against 0 or 1 [B, C], averaged over what counts.

    The `ignored` wrong classes with the highest logits do not count: they may be heard in the
    background without being named. Where a row is `complete` (bool [B]), nothing is unnamed and
    all classes count.
    """
    losses = F.binary_cross_entropy_with_logits(logits.float(), weights, reduction="none")
    wrong = weights == 0
    top = logits.detach().masked_fill(~wrong, -torch.inf).topk(min(ignored, logits.shape[1]))
    counts = torch.ones_like(wrong).scatter(1, top.indices, False)
    counts |= ~wrong  # where there are fewer wrong classes than may be ignored
    if complete is not None:
        counts |= complete[:, None]
    return (losses * counts).sum(dim=1) / counts.sum(dim=1)
