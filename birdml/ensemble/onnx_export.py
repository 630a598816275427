"""A combination as ONNX files: one for each member, and one for the whole.

An audio network takes samples int16 [B, S] of any length from the shortest that it hears, 22 050 a
second; a metadata network what `birdml` makes of date, time and place, float32 [B, D]. Each gives
logits float32 [B, C]. `model.json` says what goes where.
"""

import copy
import json
import shutil
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from birdml.calibration.saved import FILE as CALIBRATION
from birdml.dataset.recording import SAMPLE_RATE
from birdml.ensemble.combination import Combination
from birdml.errors import UserError
from birdml.files import csv_text
from birdml.networks.combined import audio_part
from birdml.networks.head import HeadNetwork
from birdml.networks.kernel import KernelNetwork, PlaceKernelNetwork
from birdml.networks.pcen import PCEN
from birdml.networks.pooling import LogMeanExp, NoisyOr
from birdml.signal.spectrogram import FRAME_LENGTH, HOP
from birdml.zoo.parts import Metadata
from birdml.zoo.saved import SavedModel

OPSET = 17
WHOLE = "combination.onnx"
ABOUT = "model.json"
SECONDS = 5.0  # of the example that a network is followed with


class _Spectrogram(nn.Module):
    """The spectrogram as a convolution with windowed waves: ONNX has no framing."""

    kernel: Tensor

    def __init__(self, bins: int):
        super().__init__()
        self.bins = bins
        angles = 2 * np.pi * np.arange(bins)[:, None] * np.arange(FRAME_LENGTH) / FRAME_LENGTH
        waves = np.concatenate([np.cos(angles), -np.sin(angles)]) * np.hanning(FRAME_LENGTH)
        self.register_buffer("kernel", torch.from_numpy(waves[:, None].astype(np.float32)))

    def forward(self, samples: Tensor) -> Tensor:
        """int16 [B, S] -> float32 [B, F, bins]."""
        parts = nn.functional.conv1d(samples.float()[:, None], self.kernel, stride=HOP)
        real, imaginary = parts[:, : self.bins], parts[:, self.bins :]
        return (real.square() + imaginary.square()).sqrt().transpose(1, 2)


class _LogMeanExp(nn.Module):
    """Log-mean-exp whose number of outputs follows the length of the recording."""

    extra = 0

    def __init__(self, sharpness: float):
        super().__init__()
        self.sharpness = sharpness

    def forward(self, scores: Tensor) -> Tensor:
        count = torch.ones_like(scores[:, :1]).sum(-1)
        return (torch.logsumexp(self.sharpness * scores, dim=-1) - count.log()) / self.sharpness


class _Whole(nn.Module):
    """The weighted sum of members; `inputs` are the numbers of the arguments that each takes."""

    def __init__(self, networks: Sequence[nn.Module], weights: Sequence[float], inputs: Any):
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.weights, self.inputs = list(weights), inputs

    def forward(self, *values: Tensor) -> Tensor:
        rows = [
            weight * network(*(values[i] for i in own))
            for network, weight, own in zip(self.networks, self.weights, self.inputs)
        ]
        return torch.stack(rows).sum(0)


def export_onnx(combination: Combination, source: Path, folder: Path) -> list[str]:
    """Writes the files into a folder that is there, and returns their names.

    Args:
        combination: to be written.
        source: the folder that it was loaded from, for its calibration.
        folder: where the files go: `<member>.onnx`, `combination.onnx` where there are several
            members, `model.json`, `labels.csv`, and `calibration.json` if it has one.

    Raises:
        UserError: for a head of a pretrained encoder, whose encoder is no part of it, for
            networks with PCEN, which remember all frames before, and for pooling by noisy_or.
    """
    networks = [exportable(model) for model, _ in combination.members]
    names = [member.name for member in combination.lineage]
    given = [_inputs(name, model) for name, (model, _) in zip(names, combination.members)]
    for name, network, own in zip(names, networks, given):
        _write(network, own, folder / f"{name}.onnx")
    every = {key: example for own in given for key, example in own.items()}
    files = [f"{name}.onnx" for name in names]
    if len(names) > 1:
        order = list(every)
        takes = [[order.index(key) for key in own] for own in given]
        weights = combination.weights.tolist()
        _write(_Whole(networks, weights, takes), every, folder / WHOLE)
        files.append(WHOLE)
    about = {
        "name": combination.name,
        "opset": OPSET,
        "samples": f"int16 [B, S], {SAMPLE_RATE} a second, mono",
        "output": "logits, float32 [B, C], in the order of labels.csv",
        "members": [
            {
                "file": f"{name}.onnx",
                "weight": member.weight,
                "inputs": {key: list(example.shape) for key, example in own.items()},
                "recipe": model.recipe.settings(),
            }
            for name, member, own, (model, _) in zip(
                names, combination.lineage, given, combination.members
            )
        ],
        "inputs": {key: list(example.shape) for key, example in every.items()},
    }
    (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    rows = [(i, s.class_id, s.latin_name) for i, s in enumerate(combination.species)]
    text = csv_text(("label", "class_id", "latin_name"), rows)
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    files += [ABOUT, "labels.csv"]
    if (source / CALIBRATION).is_file():
        shutil.copyfile(source / CALIBRATION, folder / CALIBRATION)
        files.append(CALIBRATION)
    return files


def exportable(model: SavedModel) -> nn.Module:
    """A network whose every step ONNX has; UserError where one has none."""
    network: Any = model.network
    if isinstance(network, HeadNetwork):
        raise UserError(
            f"{model.name} is a head: its encoder, {network.encoder.title}, is no part of it and "
            "stays in its own file; there is no ONNX form of both"
        )
    audio = audio_part(network)
    if audio is not None and isinstance(audio.frontend.magnitude, PCEN):
        raise UserError(f"{model.name} has PCEN, which goes through all frames one by one: no ONNX")
    if audio is not None and isinstance(audio.pool, NoisyOr):
        raise UserError(f"{model.name} pools by noisy_or, which ONNX has no exact form of")
    network = copy.deepcopy(network).cpu().eval()
    audio = audio_part(network)
    if audio is not None:
        audio.spectrogram = _Spectrogram(audio.spectrogram.bins)  # type: ignore[assignment]
        if isinstance(audio.pool, LogMeanExp):
            audio.pool = _LogMeanExp(audio.pool.sharpness)  # type: ignore[assignment]
    return network


def _inputs(name: str, model: SavedModel) -> dict[str, Tensor]:
    """An example of each input: `samples` is the same for all, metadata are encoded for each."""
    found: dict[str, Tensor] = {}
    if model.recipe.takes_samples:
        noise = np.random.default_rng(0).normal(0, 1000, (1, round(SECONDS * SAMPLE_RATE)))
        found["samples"] = torch.from_numpy(noise.astype(np.int16))
    if isinstance(model.recipe, Metadata):
        found[f"metadata_{name}"] = torch.zeros(1, model.recipe.encoded_size)
    return found


def _write(network: nn.Module, given: dict[str, Tensor], path: Path) -> None:
    """Follows a network on examples; batch and length stay open where the network lets them."""
    one_by_one = any(
        isinstance(part, KernelNetwork | PlaceKernelNetwork) for part in network.modules()
    )
    axes: dict[str, dict[int, str]] = {key: {} for key in (*given, "logits")}
    if not one_by_one:
        for key in axes:
            axes[key][0] = "B"
    if "samples" in axes:
        axes["samples"][1] = "S"
    if find_spec("onnx") is None:
        raise UserError("writing ONNX needs the package onnx: pip install 'birdml[onnx]'")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # on shapes that are followed, and on the way it is done
        torch.onnx.export(
            network,
            tuple(given.values()),
            str(path),
            input_names=list(given),
            output_names=["logits"],
            dynamic_axes={key: value for key, value in axes.items() if value},
            opset_version=OPSET,
            dynamo=False,  # torch.export finds no bounds for the lengths of a trunk (torch 2.13)
        )
