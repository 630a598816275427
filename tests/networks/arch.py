"""Networks of the golden cases, from the words in which the 2018 system described them."""

import re
from types import SimpleNamespace

import pytest
from torch import nn

from birdml.networks.audio import AudioNetwork
from birdml.networks.combined import CombinedNetwork
from birdml.networks.frontend import Frontend, Spectrogram, filterbank_named, magnitude_named
from birdml.networks.layers import (
    SLOPE,
    BatchNorm,
    GroupDropout,
    LogMeanExpPool2d,
    ResidualUnit,
    convolution,
    orthogonal,
)
from birdml.networks.metadata import MetadataNetwork
from birdml.networks.pooling import Attention, LogMeanExp
from birdml.signal.spectrogram import bins_for
from tests.golden import golden_folder

DEFAULTS = {
    "arch.nonlin": "lrelu",
    "arch.batch_norm": "1",
    "arch.conv_groups": "1",
    "arch.dense_groups": "1",
    "arch.convdrop": "none",
    "arch.fulldrop": "0",
    "filterbank": "mel",
    "magscale": "log",
    "mel_bands": "80",
    "mel_min": "27.5",
    "mel_max": "8000",
}
MAGNITUDES = {"pow_learn": "power"}
NONLINEARITIES = {
    "lrelu": lambda: nn.LeakyReLU(SLOPE),
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "linear": nn.Identity,
}
# settings that no published model uses and that birdml leaves out (docs/differences.md)
LEFT_OUT = {
    "resnet.act_bug=1": "units that repeat a bug of an older version",
    "resnet.shortcut=slice": "strided and sliced shortcuts",
    "arch.firstconv_meanfree=params": "filters of the first convolution kept free of their mean",
}


class LeftOut(Exception):
    """The case needs a setting that birdml leaves out, for the reason given."""


def settings(overrides: list[str]) -> dict[str, str]:
    for override in overrides:
        if override in LEFT_OUT:
            raise LeftOut(LEFT_OUT[override])
    return DEFAULTS | dict(override.split("=", 1) for override in overrides)


def trunk_of(arch: str, cfg: dict[str, str], channels: int, bands: int) -> nn.Sequential:
    """The layers of one architecture string, on [B, channels, F, bands]."""
    words = {"Shift": cfg.get("arch.shiftable", "0"), "Full": cfg.get("arch.fullsize", "0")}
    for word, value in words.items():
        arch = arch.replace(word, value)
    layers: list[nn.Module] = []
    state = SimpleNamespace(channels=channels, bands=bands)
    for item in arch.split(","):
        layers += _layer(item, cfg, state, first=not layers)
    return nn.Sequential(*layers)


def _layer(item: str, cfg: dict[str, str], state: SimpleNamespace, first: bool) -> list[nn.Module]:
    kind, _, rest = item.partition(":")
    if kind == "groupdrop":
        groups, p = rest.split(":")
        return [GroupDropout(int(groups), float(p))]
    numbers = [int(number) for number in rest.split("x")]
    if kind.startswith("resblock"):
        return _residual_block(kind, numbers, state)
    if kind in ("full", "dense"):
        layer = orthogonal(nn.Linear(state.channels, numbers[0], bias=False))
        flat = [] if state.bands is None else [nn.Flatten()]
        if flat:  # the number of inputs is only known from the parameters
            layer = nn.LazyLinear(numbers[0], bias=False)
        state.channels, state.bands = numbers[0], None
        return [*flat, layer, BatchNorm(numbers[0]), NONLINEARITIES[cfg["arch.nonlin"]]()]
    if kind.endswith("pool"):
        return [_pool(kind, numbers, state)]
    return _convolution(kind, numbers, cfg, state, first)


def _across(size: int, bands: int) -> int:
    """A negative size means all bands but a few: -1 is all, -5 leaves five positions."""
    return size if size > 0 else bands + size + 1


def _pool(kind: str, numbers: list[int], state: SimpleNamespace) -> nn.Module:
    size = (numbers[0], _across(numbers[1], state.bands))
    stride = tuple(numbers[2:4]) or size
    state.bands = (state.bands - size[1]) // stride[1] + 1
    if kind == "pool":
        return nn.MaxPool2d(size, stride)
    if kind == "avgpool":
        return nn.AvgPool2d(size, stride)
    return LogMeanExpPool2d(size, float(re.fullmatch(r"lme(.+)pool", kind).group(1)))


def _convolution(kind, numbers, cfg, state, first) -> list[nn.Module]:
    outputs, height, width = numbers[0], numbers[1], _across(numbers[2], state.bands)
    stride = tuple(numbers[3:5]) or (1, 1)
    long = kind == "Conv"
    groups = int(cfg["arch.dense_groups" if long else "arch.conv_groups"])
    if kind.startswith("convg"):
        groups = int(kind.removeprefix("convg"))
    groups = 1 if first else groups
    normalised = cfg["arch.batch_norm"] == "1"
    layer = convolution(
        state.channels, outputs, (height, width), groups=groups, bias=not normalised
    )
    layer.stride = stride
    layers: list[nn.Module] = []
    if long:
        layers.append(nn.Dropout(float(cfg["arch.fulldrop"])))
    elif not first and cfg["arch.convdrop"] == "channels":
        layers.append(nn.Dropout2d(0.1))
    elif not first and cfg["arch.convdrop"] == "groups":
        layers.append(GroupDropout(groups, 0.1))
    layers.append(layer)
    if normalised:
        layers.append(BatchNorm(outputs))
    state.channels = outputs
    state.bands = (state.bands - width) // stride[1] + 1
    return [*layers, NONLINEARITIES[cfg["arch.nonlin"]]()]


def _residual_block(kind: str, numbers: list[int], state: SimpleNamespace) -> list[nn.Module]:
    units, outputs, kernel, stride = numbers[0], numbers[1], numbers[2:4], numbers[4:]
    if any(step > 1 for step in stride):
        raise LeftOut("strided residual units")
    layers: list[nn.Module] = []
    for index in range(units):
        layers.append(
            ResidualUnit(
                state.channels,
                outputs,
                tuple(kernel),
                preactivate=not (kind.endswith("_start") and index == 0),
                postactivate=kind.endswith("_end") and index == units - 1,
                dilated="dilated" in kind,
            )
        )
        state.channels = outputs
    return layers


def network_of(overrides: list[str], classes: int, metadata: int | None, dropout: float = 0.0):
    """The whole network of a golden case, without dropout unless asked for."""
    cfg = settings(overrides) | {"arch.fulldrop": str(dropout)}
    audio = _audio(cfg, classes, dropout) if cfg.get("arch") else None
    if metadata is None:
        return audio
    hidden = tuple(int(size) for size in re.findall(r"full:(\d+)", cfg["arch_meta"]))
    network = MetadataNetwork(metadata, classes, hidden)
    if audio is None:
        return network
    return CombinedNetwork(audio, network, float(cfg["arch_meta.weight"]))


def _audio(cfg: dict[str, str], classes: int, dropout: float) -> AudioNetwork:
    bands, low, high = int(cfg["mel_bands"]), float(cfg["mel_min"]), float(cfg["mel_max"])
    filterbank = filterbank_named(cfg["filterbank"], bands, low, high, 0.0)
    magnitude = magnitude_named(MAGNITUDES.get(cfg["magscale"], cfg["magscale"]), bands)
    trunk = trunk_of(cfg["arch"], cfg, 1, bands)
    features = [layer for layer in trunk if isinstance(layer, nn.Conv2d)][-1].out_channels
    kind, number = cfg["arch.pool"].split(":")
    pooling = LogMeanExp(float(number)) if kind == "logmeanexp" else Attention(int(number))
    return AudioNetwork(
        Spectrogram(bins_for(high)),
        Frontend(filterbank, magnitude, bands),
        trunk,
        features,
        classes,
        pooling,
        dropout,
    )


def golden_names(pattern: str) -> list[str]:
    """Names without ending of the golden files of a pattern; none where the folder is absent."""
    try:
        return sorted(path.stem for path in golden_folder().glob(pattern))
    except pytest.skip.Exception:
        return []
