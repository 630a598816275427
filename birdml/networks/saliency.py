"""Where in a spectrogram a species is heard: guided back-propagation of its score.

Springenberg et al., "Striving for Simplicity: The All Convolutional Net", ICLR 2015 (workshop).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from birdml.networks.audio import AudioNetwork


def saliency(network: AudioNetwork, samples: Tensor, label: int) -> Tensor:
    """How much each mel band at each frame speaks for a species, int16 [B, S] -> [B, F, M], >= 0.

    The gradient of the species' logit with respect to the standardised mel bands, where every
    rectifier lets only positive gradients pass back, and what is positive of the result.
    The network must be in evaluation mode; its parameters and their gradients stay as they are.
    """
    with torch.no_grad():
        mel = network.frontend(network.spectrogram(samples))
    mel = mel.detach().requires_grad_()
    with torch.enable_grad(), guided(network):
        score = network.pool(network.scores_from_mel(mel))[:, label].sum()
        (gradient,) = torch.autograd.grad(score, mel)
    return gradient[:, 0].clamp(min=0)


@contextmanager
def guided(network: nn.Module) -> Iterator[None]:
    """Rectifiers pass back only what is positive, while this lasts."""
    handles = []
    inplace = []
    for layer in network.modules():
        if isinstance(layer, nn.ReLU | nn.LeakyReLU):
            inplace.append((layer, layer.inplace))
            layer.inplace = False  # a hook on gradients needs the input and output apart
            handles.append(layer.register_full_backward_hook(_positive))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for layer, was in inplace:
            layer.inplace = was


def _positive(layer: nn.Module, lower: Any, upper: Any) -> tuple[Tensor]:
    """The gradient below a rectifier, where it is positive."""
    return (lower[0].clamp(min=0),)
