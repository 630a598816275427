"""Pooling of scores over time: [B, C + K, T] -> logits [B, C].

Every pooling also works piece by piece, exactly: `partial` of each piece of a long recording,
`merge` of neighbouring pieces in any order, `finish` at the end; so that a recording of any length
is pooled as a whole without being held as a whole.
"""

import math
import re
from typing import NamedTuple

import torch
from torch import Tensor, nn

from birdml.errors import UserError
from birdml.networks.layers import full_precision


class LogMeanExpState(NamedTuple):
    log_sum: Tensor  # [B, C], log of the sum of exp(sharpness * score)
    outputs: int


class LogMeanExp(nn.Module):
    """log(mean(exp(sharpness * x))) / sharpness: between mean (0) and maximum (infinity).

    Pinheiro and Collobert, "From Image-level to Pixel-level Labeling with Convolutional Networks",
    CVPR 2015.
    """

    extra = 0

    def __init__(self, sharpness: float = 1.0):
        super().__init__()
        self.sharpness = sharpness

    def forward(self, scores: Tensor) -> Tensor:
        return self.finish(self.partial(scores))

    def partial(self, scores: Tensor) -> LogMeanExpState:
        return LogMeanExpState(
            torch.logsumexp(self.sharpness * scores.float(), dim=-1), scores.shape[-1]
        )

    def merge(self, a: LogMeanExpState, b: LogMeanExpState) -> LogMeanExpState:
        return LogMeanExpState(torch.logaddexp(a.log_sum, b.log_sum), a.outputs + b.outputs)

    def finish(self, state: LogMeanExpState) -> Tensor:
        return (state.log_sum - math.log(state.outputs)) / self.sharpness


class AttentionState(NamedTuple):
    log_sum: Tensor  # [B, K], log of the sum of exp(attention)
    mean: Tensor  # [B, K, C], class scores averaged with the weights of each channel


class Attention(nn.Module):
    """Mean of the class scores, weighted by a softmax over time of each of K attention channels,
    averaged over the channels. The K channels follow the C class channels: [B, C + K, T].
    """

    def __init__(self, channels: int):
        super().__init__()
        self.extra = channels

    def weights(self, scores: Tensor) -> Tensor:
        """Weight of each output over time, [B, C + K, T] -> [B, T]; sums to 1."""
        return scores[:, -self.extra :].float().softmax(dim=-1).mean(dim=1)

    def forward(self, scores: Tensor) -> Tensor:
        classes = scores[:, : -self.extra].float()
        return (classes * self.weights(scores)[:, None]).sum(dim=-1)

    def partial(self, scores: Tensor) -> AttentionState:
        classes, attention = scores.float().split([scores.shape[1] - self.extra, self.extra], dim=1)
        with full_precision(scores.device):
            mean = attention.softmax(dim=-1) @ classes.transpose(1, 2)
        return AttentionState(torch.logsumexp(attention, dim=-1), mean)

    def merge(self, a: AttentionState, b: AttentionState) -> AttentionState:
        share = torch.sigmoid(b.log_sum - a.log_sum)[..., None]  # of b in the sum of both
        return AttentionState(
            torch.logaddexp(a.log_sum, b.log_sum), torch.lerp(a.mean, b.mean, share)
        )

    def finish(self, state: AttentionState) -> Tensor:
        return state.mean.mean(dim=1)


class Maximum(nn.Module):
    """The largest score over time."""

    extra = 0

    def forward(self, scores: Tensor) -> Tensor:
        return self.partial(scores)

    def partial(self, scores: Tensor) -> Tensor:
        return scores.float().amax(dim=-1)

    def merge(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.maximum(a, b)

    def finish(self, state: Tensor) -> Tensor:
        return state


class MeanState(NamedTuple):
    total: Tensor  # [B, C]
    outputs: int


class Mean(nn.Module):
    """The mean score over time."""

    extra = 0

    def forward(self, scores: Tensor) -> Tensor:
        return self.finish(self.partial(scores))

    def partial(self, scores: Tensor) -> MeanState:
        return MeanState(scores.float().sum(dim=-1), scores.shape[-1])

    def merge(self, a: MeanState, b: MeanState) -> MeanState:
        return MeanState(a.total + b.total, a.outputs + b.outputs)

    def finish(self, state: MeanState) -> Tensor:
        return state.total / state.outputs


class NoisyOr(nn.Module):
    """Logit of the noisy or over time: at least one output says yes, 1 - prod(1 - sigmoid(x)).

    Takes and gives logits (for the binary loss), which keeps precision where the probability is
    close to 0 or 1. Maron and Lozano-Perez, "A Framework for Multiple-Instance Learning", 1998.
    """

    extra = 0

    def forward(self, scores: Tensor) -> Tensor:
        return self.finish(self.partial(scores))

    def partial(self, scores: Tensor) -> Tensor:
        return -nn.functional.softplus(scores.float()).sum(dim=-1)  # log prod(1 - p)

    def merge(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b

    def finish(self, state: Tensor) -> Tensor:
        # log((1 - q) / q) for q = exp(state); q = 1 only where every score is hugely negative
        state = state.clamp(max=-1e-30)
        return torch.log(-torch.expm1(state)) - state


Pooling = LogMeanExp | Attention | Maximum | Mean | NoisyOr
SIMPLE: dict[str, type[Maximum | Mean | NoisyOr]] = {
    "max": Maximum,
    "mean": Mean,
    "noisy_or": NoisyOr,
}


def pooling_named(name: str) -> Pooling:
    """`lme1` (log-mean-exp, any sharpness: lme0.5), `att16` (attention, any number of channels),
    `max`, `mean`, `noisy_or`. Raises UserError for anything else."""
    if name in SIMPLE:
        return SIMPLE[name]()
    match = re.fullmatch(r"(lme|att)(\d+(?:\.\d+)?)", name)
    if match:
        kind, number = match.groups()
        if kind == "lme" and float(number) > 0:
            return LogMeanExp(float(number))
        if kind == "att" and number.isdigit() and int(number) > 0:
            return Attention(int(number))
    raise UserError(
        f"pooling '{name}' is unknown: use lme1 (any sharpness above 0), att16 (any number of "
        f"channels), {', '.join(SIMPLE)}"
    )
