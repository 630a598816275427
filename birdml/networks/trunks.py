"""Trunks: from standardised mel bands [B, 1, F, M] to features [B, width, T, 1].

A trunk is a plain `nn.Sequential` of convolutions, batch norms, poolings and residual units, so
that it can be read from top to bottom and walked through (receptive field, full time resolution).
"""

from collections.abc import Iterable
from typing import NamedTuple

from torch import nn

from birdml.errors import UserError
from birdml.networks.layers import (
    GroupDropout,
    LogMeanExpPool2d,
    ResidualUnit,
    convolution_unit,
)


def plain_trunk(
    bands: int = 80,
    channels: tuple[int, ...] = (64, 128),
    width: int = 1024,
    shifts: int = 5,
    dropout: float = 0.5,
    *,
    groups: int = 1,
    long_groups: int = 1,
    channel_dropout: float = 0.0,
    group_dropout: float = 0.0,
    sharpness: float | None = None,
) -> nn.Sequential:
    """Pairs of 3x3 convolutions with a 3x3 max-pool between them, then the long layers.

    Options that no published model uses: `groups` of every convolution but the first, `long_groups`
    of those after the second pooling; dropout of whole channels or groups before each 3x3
    convolution but the first; log-mean-exp of a `sharpness` in the place of max-pooling.

    Raises UserError where the bands do not suffice for the poolings and shifts.
    """
    long = (channels[-1], width)
    if any(n % groups for n in channels) or any(n % long_groups for n in long):
        raise UserError(
            f"channels {channels} and width {width} cannot be split into {groups} and "
            f"{long_groups} groups: use divisors"
        )
    stages: list[nn.Module] = []
    inputs, left = 1, bands
    for stage, outputs in enumerate(channels):
        if stage:
            left //= 3
        for number in range(2):
            if stages:
                stages += _channel_dropouts(channel_dropout, group_dropout, groups)
            unit = convolution_unit(inputs, outputs, (3, 3), groups=groups if inputs > 1 else 1)
            pooled = number == 1 and stage < len(channels) - 1
            stages += _pooled(unit, (3, 3), sharpness) if pooled else unit
            inputs = outputs
        left -= 4
    return nn.Sequential(
        *stages,
        *_channel_dropouts(channel_dropout, group_dropout, groups),
        *_across_bands(inputs, left, width, shifts, dropout, groups, long_groups, sharpness),
    )


def _channel_dropouts(channels: float, of_groups: float, groups: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    if channels:
        layers.append(nn.Dropout2d(channels))
    if of_groups:
        layers.append(GroupDropout(groups, of_groups))
    return layers


def _pool(size: tuple[int, int], sharpness: float | None) -> nn.Module:
    return nn.MaxPool2d(size) if sharpness is None else LogMeanExpPool2d(size, sharpness)


def _pooled(
    unit: tuple[nn.Module, ...], size: tuple[int, int], sharpness: float | None
) -> tuple[nn.Module, ...]:
    """A convolution unit and the pooling after it. A leaky ReLU and a maximum may change places,
    as larger stays larger: the ReLU then has the fewer values to see."""
    pool = _pool(size, sharpness)
    if isinstance(pool, nn.MaxPool2d):
        return *unit[:-1], pool, unit[-1]
    return *unit, pool


def residual_trunk(
    bands: int = 80,
    channels: tuple[int, ...] = (64, 128),
    width: int = 1024,
    shifts: int = 5,
    dropout: float = 0.5,
    *,
    dilated: bool = False,
    sharpness: float | None = None,
) -> nn.Sequential:
    """Pairs of residual units with a 3x3 max-pool between them, then the long layers.

    Options that no published model uses: `dilated` units; log-mean-exp of a `sharpness` in the
    place of max-pooling.

    Raises UserError where the bands do not suffice for the poolings and shifts.
    """
    stages: list[nn.Module] = []
    inputs, left = 1, bands
    for stage, outputs in enumerate(channels):
        if stage:
            stages.append(_pool((3, 3), sharpness))
            left //= 3
        last = stage == len(channels) - 1
        stages.append(ResidualUnit(inputs, outputs, preactivate=stage > 0, dilated=dilated))
        stages.append(ResidualUnit(outputs, outputs, postactivate=last, dilated=dilated))
        inputs = outputs
    return nn.Sequential(
        *stages, *_across_bands(inputs, left, width, shifts, dropout, sharpness=sharpness)
    )


def _across_bands(
    inputs: int,
    bands: int,
    width: int,
    shifts: int,
    dropout: float,
    groups: int = 1,
    long_groups: int = 1,
    sharpness: float | None = None,
) -> Iterable[nn.Module]:
    """The layers that see all bands: 3 x (bands - shifts + 1), max-pool 3 x shifts, 9x1, 1x1."""
    height = bands - shifts + 1
    if height < 1:
        raise UserError(
            f"only {bands} bands are left after pooling, too few for shifts = {shifts}: "
            "use more mel_bands or fewer shifts"
        )
    return (
        *_pooled(
            convolution_unit(inputs, inputs, (3, height), groups=groups), (3, shifts), sharpness
        ),
        nn.Dropout(dropout),
        *convolution_unit(inputs, width, (9, 1), groups=long_groups),
        nn.Dropout(dropout),
        *convolution_unit(width, width, (1, 1), groups=long_groups),
    )


class TimeGeometry(NamedTuple):
    """How outputs of a stack of layers lie over time, in input frames.

    Output t is computed from `receptive_field` frames that start at frame `stride * t - padding`;
    frames outside the input count as zeros inside the network ("same" convolutions).
    """

    receptive_field: int
    stride: int
    padding: int


def time_geometry(layers: Iterable[nn.Module]) -> TimeGeometry:
    """Receptive field, stride and padding over time of layers applied in turn (on trunks: 103, 9,
    0 for plain and 119, 9, 16 for residual)."""
    field, stride, padding = 1, 1, 0
    for layer in layers:
        if isinstance(layer, ResidualUnit):
            windows: list[nn.Module] = [layer.conv1, layer.conv2]
        elif isinstance(layer, nn.Conv2d | nn.MaxPool2d | LogMeanExpPool2d):
            windows = [layer]
        else:
            continue
        for window in windows:
            size, step, pad, dilation = (
                _first(getattr(window, name, 1))
                for name in ("kernel_size", "stride", "padding", "dilation")
            )
            field += (size - 1) * dilation * stride
            padding += pad * stride
            stride *= step
    return TimeGeometry(field, stride, padding)


def _first(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else value[0]
