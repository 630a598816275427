"""The audio network at full time resolution: one output per frame instead of one per nine.

Each pooling over time runs in all its phases (on the input without its first 0, 1, 2 frames), and
what follows runs on every phase. This shares all that neighbouring outputs have in common, so it
costs 2.4 times the strided network rather than 9 times. Output t equals output t // 9 of the
strided network on the input without its first t % 9 frames; with a residual trunk, only where its
receptive field does not reach beyond an edge of the input (see `TimeGeometry.padding`).
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from birdml.networks.audio import AudioNetwork
from birdml.networks.layers import LogMeanExpPool2d

POOLINGS = (nn.MaxPool2d, LogMeanExpPool2d)


def dense_scores(network: AudioNetwork, samples: Tensor) -> Tensor:
    """Scores before pooling at every frame, int16 [B, S] -> [B, C + K, T].

    T = F - receptive field + 2 * padding + 1 (none for an input that is too short). The network
    must be in evaluation mode. Memory grows with the length: cut a long recording into pieces that
    overlap by the receptive field (`birdml.prediction.frames` does so).
    """
    return dense_scores_from_mel(network, network.frontend(network.spectrogram(samples)))


def dense_scores_from_mel(network: AudioNetwork, mel: Tensor) -> Tensor:
    """The same from standardised mel bands, [B, 1, F, M] -> [B, C + K, T]."""
    field, _, padding = network.geometry
    total = max(0, mel.shape[2] - field + 2 * padding + 1)
    channels = network.classes + network.pool.extra
    scores = torch.empty(len(mel), channels, total, device=mel.device)
    if not total:
        return scores
    layers = list(network.trunk)
    last = max(index for index, layer in enumerate(layers) if isinstance(layer, POOLINGS))
    phases = list(_phases(layers[: last + 1], mel, total))
    # the layers after the last pooling do not pad: all phases at once, and what is too long is cut
    longest = max(pooled.shape[2] for _, _, pooled in phases)
    pooled = [nn.functional.pad(x, (0, 0, 0, longest - x.shape[2])) for _, _, x in phases]
    features = network.trunk[last + 1 :](torch.cat(pooled))
    parts = network.head(features).squeeze(-1).split(len(mel))
    for (phase, stride, _), part in zip(phases, parts, strict=True):
        count = len(range(phase, total, stride))
        scores[:, :, phase::stride] = part[:, :, :count]
    return scores


def _phases(
    layers: Sequence[nn.Module], x: Tensor, total: int, phase: int = 0, stride: int = 1
) -> Iterator[tuple[int, int, Tensor]]:
    """What layers give for the outputs phase, phase + stride, ..., of each phase of poolings."""
    for index, layer in enumerate(layers):
        if isinstance(layer, POOLINGS):
            size = layer.kernel_size[0]  # type: ignore[index]
            for start in range(size):
                later = phase + start * stride
                if later < total:
                    pooled = layer(x[:, :, start:])
                    yield from _phases(layers[index + 1 :], pooled, total, later, stride * size)
            return
        x = layer(x)
    yield phase, stride, x
