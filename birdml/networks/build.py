"""The network that a recipe of the zoo describes."""

from collections.abc import Callable
from typing import Any

from torch import nn

from birdml.encoders.entries import Encoder, find_encoder
from birdml.errors import UserError
from birdml.networks.audio import AudioNetwork
from birdml.networks.combined import CombinedNetwork
from birdml.networks.frontend import (
    Frontend,
    Spectrogram,
    filterbank_named,
    magnitude_named,
)
from birdml.networks.head import HeadNetwork
from birdml.networks.kernel import KernelNetwork, PlaceKernelNetwork
from birdml.networks.metadata import MetadataNetwork
from birdml.networks.place import PlaceNetwork
from birdml.networks.pooling import pooling_named
from birdml.networks.trunks import plain_trunk, residual_trunk
from birdml.signal.spectrogram import bins_for

Network = (
    AudioNetwork
    | MetadataNetwork
    | PlaceNetwork
    | KernelNetwork
    | PlaceKernelNetwork
    | CombinedNetwork
    | HeadNetwork
)
TRUNKS: dict[str, Callable[..., nn.Sequential]] = {"plain": plain_trunk, "residual": residual_trunk}


def build_network(recipe: Any, classes: int, encoder: Encoder | None = None) -> Network:
    """A network with fresh weights (from torch's generator) for a `zoo.recipe.Recipe`.

    `encoder`: of a head that was saved; else the one that its recipe names. Raises UserError for a
    setting that no network can have.
    """
    if recipe.family == "head":
        return _head(recipe, classes, encoder or find_encoder(recipe.encoder, recipe.encoders))
    if recipe.family not in BUILDERS:
        raise UserError(f"family '{recipe.family}' is unknown: use {', '.join(BUILDERS)}")
    return BUILDERS[recipe.family](recipe, classes)


def _audio(recipe: Any, classes: int) -> AudioNetwork:
    bands = recipe.mel_bands
    if recipe.trunk not in TRUNKS:
        raise UserError(f"trunk '{recipe.trunk}' is unknown: use one of {', '.join(TRUNKS)}")
    filterbank = filterbank_named(
        recipe.filterbank, bands, recipe.mel_min, recipe.mel_max, recipe.mel_spread
    )
    trunk = TRUNKS[recipe.trunk](
        bands,
        recipe.channels,
        recipe.width,
        recipe.shifts,
        recipe.dropout,
        sharpness=_sharpness(recipe.layer_pooling),
        **_options(recipe),
    )
    return AudioNetwork(
        Spectrogram(bins_for(recipe.mel_max)),
        Frontend(filterbank, magnitude_named(recipe.magnitude, bands), bands),
        trunk,
        recipe.width,
        classes,
        pooling_named(recipe.pooling),
        recipe.dropout,
    )


def _options(recipe: Any) -> dict[str, Any]:
    """Options that only one kind of trunk has."""
    if recipe.trunk == "residual":
        return {"dilated": recipe.dilated}
    return {
        "groups": recipe.conv_groups,
        "long_groups": recipe.dense_groups,
        "channel_dropout": recipe.channel_dropout,
        "group_dropout": recipe.group_dropout,
    }


def _sharpness(layer_pooling: str) -> float | None:
    """Of the log-mean-exp between layers, `lme<sharpness>`; None for `max`."""
    return None if layer_pooling == "max" else float(layer_pooling.removeprefix("lme"))


def _metadata(recipe: Any, classes: int) -> MetadataNetwork:
    return MetadataNetwork(recipe.encoded_size, classes, recipe.hidden)


def _place(recipe: Any, classes: int) -> PlaceNetwork:
    inputs = recipe.feature_count
    dropout = getattr(recipe, "unit_dropout", 0.0)  # none where it is not trained
    return PlaceNetwork(inputs, classes, recipe.units, recipe.blocks, dropout)


def _kernel(recipe: Any, classes: int) -> KernelNetwork:
    return KernelNetwork(classes, recipe.kernels)


def _head(recipe: Any, classes: int, encoder: Encoder) -> HeadNetwork:
    pooling = recipe.pooling
    sharpness = float(pooling.removeprefix("lme")) if pooling.startswith("lme") else 1.0
    return HeadNetwork(
        encoder, classes, recipe.head, recipe.hidden_units, sharpness, attention=pooling == "att"
    )


BUILDERS: dict[str, Callable[[Any, int], Network]] = {
    "audio": _audio,
    "meta": _metadata,
    "place": _place,
    "kernel": _kernel,
    "place_kernel": lambda recipe, classes: PlaceKernelNetwork(
        _place(recipe, classes), _kernel(recipe, classes), recipe.kernel_weight
    ),
    "combined": lambda recipe, classes: CombinedNetwork(
        _audio(recipe, classes), _metadata(recipe, classes), recipe.metadata_weight
    ),
    "head": lambda recipe, classes: build_network(recipe, classes),
    "combined_place": lambda recipe, classes: CombinedNetwork(
        _audio(recipe, classes), _place(recipe, classes), recipe.metadata_weight
    ),
}


def first_parameter(network: Network) -> nn.Parameter:
    """The parameter that 2018 trained at ten times the rate: the first trainable one, which is
    the exponent of audio and combined networks and the first weight matrix of metadata networks."""
    return next(network.parameters())
