"""Layers against the 2018 system."""

import ast

import numpy as np
import pytest
import torch
from torch import nn

from birdml.networks.frontend import (
    LearnableLog1p,
    LearnableMelBank,
    LearnablePower,
    MelBank,
    Standardise,
)
from birdml.networks.lasagne import load_parameters
from birdml.networks.layers import SLOPE, LogMeanExpPool2d, ResidualUnit
from birdml.networks.pcen import PCEN
from birdml.networks.pooling import Attention, LogMeanExp, NoisyOr
from birdml.signal.spectrogram import bins_for
from tests.golden import load_json, load_npz, relative_difference
from tests.networks.arch import LeftOut, golden_names, settings, trunk_of

TOLERANCE = 1e-4


def cases(name: str) -> list[str]:
    return sorted(load_json(f"{name}.json")) if golden_names(f"{name}.json") else []


def check(name: str, layer: nn.Module, case: str, of_input=lambda x: x, of_output=lambda y: y):
    """Loads a case's parameters into a layer and compares its output."""
    arrays = load_npz(f"{name}.npz")
    parameters = {
        key.removeprefix(f"{case}/"): value
        for key, value in arrays.items()
        if key.startswith(f"{case}/param")
    }
    with torch.no_grad():
        given = of_input(torch.from_numpy(arrays[f"{case}/input0"]))
        layer.eval()
        if any(isinstance(part, nn.LazyLinear) for part in layer.modules()):
            layer(given)  # sizes are known from here on
        if parameters:
            load_parameters(layer, parameters)
        ours = of_output(layer(given))
    assert relative_difference(ours, arrays[f"{case}/output"]) < TOLERANCE


def one_channel(x: torch.Tensor) -> torch.Tensor:
    return x[:, 0]


def image(y: torch.Tensor) -> torch.Tensor:
    return y[:, None]


def over_time(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(2)


class NoisyOrOfProbabilities(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return NoisyOr()(x.logit()).sigmoid()


def basic_layer(case: str, note: str):
    """The layer of a case, and how its input and output are shaped."""
    words = dict(pair.split("=") for pair in note.replace(")", ",").split(",") if "=" in pair)
    words = {key.strip().split("(")[-1].split()[-1]: value for key, value in words.items()}
    if case.startswith("logmeanexp"):
        return LogMeanExp(float(case.rpartition("sharp")[2])), over_time, None
    if case.startswith("attention"):
        return Attention(int(case.removeprefix("attention"))), over_time, None
    if case.startswith("lmepool2d"):
        size = note.partition("pool_size=(")[2].partition(")")[0]
        sharpness = float(note.rpartition("sharpness=")[2])
        return LogMeanExpPool2d(tuple(int(n) for n in size.split(",")), sharpness), None, None
    if case.startswith("melbank"):
        sr, bands = int(words["sr"]), int(words["num_bands"])
        low, high, bins = float(words["min"]), float(words["max"]), int(words["frame_len"]) // 2 + 1
        assert sr == 22050
        bank = LearnableMelBank(bands, low, high, bins=bins, scale=1.0)
        return bank, one_channel, image
    if case == "noisy_or":
        return NoisyOrOfProbabilities(), over_time, None
    simple = {
        "log1p_learn": LearnableLog1p,
        "pow": LearnablePower,
        "lrelu": lambda: nn.LeakyReLU(SLOPE),
        "elu": nn.ELU,
        "spatial_softmax": lambda: nn.Softmax(dim=1),
        "spatial_logsoftmax": lambda: nn.LogSoftmax(dim=1),
        "grouped_dropout_det": nn.Identity,
    }
    for start, make in simple.items():
        if case.rstrip("0123456789") == start:
            return make(), None, None
    return None


@pytest.mark.parametrize("case", cases("layers_basic"))
def test_golden_basic_layers(case):
    about = load_json("layers_basic.json")[case]
    if "error" in about:
        pytest.skip("the 2018 system fails here too")
    if case == "reeu":
        pytest.skip("left out: a nonlinearity that no published model uses")
    bands = about["in_shapes"][0][-1]
    if case == "input_batchnorm":
        check("layers_basic", Standardise(bands), case, one_channel, image)
    elif case.startswith("pcen"):
        check("layers_basic", PCEN(bands), case, one_channel, image)
    else:
        layer, of_input, of_output = basic_layer(case, about["note"])
        keep = nn.Identity()
        check("layers_basic", layer, case, of_input or keep, of_output or keep)


def test_golden_initial_mel_bank():
    """A fresh learnable mel bank has the spacings of 2018."""
    arrays = load_npz("layers_basic.npz")
    for case in cases("layers_basic"):
        if case.startswith("melbank") and case.endswith("_init"):
            words = load_json("layers_basic.json")[case]["note"]
            number = {
                key: float(words.partition(f"{key}=")[2].partition(",")[0].partition(")")[0])
                for key in ("num_bands", "min", "max")
            }
            bank = LearnableMelBank(int(number["num_bands"]), number["min"], number["max"])
            ours = bank.spacings.detach().numpy()
            assert relative_difference(ours, arrays[f"{case}/param0"]) < 1e-6


@pytest.mark.parametrize("case", cases("layers_residual"))
def test_golden_residual_units(case):
    about = load_json("layers_residual.json")[case]
    if "error" in about:
        pytest.skip("the 2018 system fails here too")
    note = about["note"]
    given = ast.literal_eval("{" + note.partition("{")[2].partition("}")[0] + "}")
    if given.get("act_bug"):
        pytest.skip("left out: units that repeat a bug of an older version")
    if given.get("batchnorm") is False:
        pytest.skip("left out: residual units without batch norm")
    stride = given["stride"]
    if given.get("shortcut_mode") or np.max(stride) > 1:
        pytest.skip("left out: strided, sliced and pooled shortcuts")
    units, inputs = given.get("num_units", 1), about["in_shapes"][0][1]
    layers = []
    for index in range(units):
        layers.append(
            ResidualUnit(
                inputs,
                given["num_filters"],
                tuple(given["filter_size"]),
                preactivate=given.get("preact", True) or index > 0,
                postactivate=given.get("postact", False) and index == units - 1,
                dilated=given.get("dilate", False),
            )
        )
        inputs = given["num_filters"]
    check("layers_residual", nn.Sequential(*layers), case)


@pytest.mark.parametrize("case", cases("layers_arch"))
def test_golden_stacks(case):
    about = load_json("layers_arch.json")[case]
    if "error" in about:
        pytest.skip("the 2018 system fails here too")
    try:
        cfg = settings(about["overrides"])
        _, channels, _, bands = about["in_shapes"][0]
        stack = trunk_of(about["arch"], cfg, channels, bands)
    except LeftOut as reason:
        pytest.skip(f"left out: {reason}")
    check("layers_arch", stack, case)


def test_golden_fixed_mel_bank():
    arrays = load_npz("mel_filterbank.npz")
    for key in arrays:
        if key.endswith("_network"):
            _, _, bands, low, high, _ = key.split("_")
            bank = MelBank(int(bands[1:]), float(low), float(high))
            assert arrays[key].shape[0] == bins_for(float(high))
            assert relative_difference(bank.filters, arrays[key]) < 1e-6
