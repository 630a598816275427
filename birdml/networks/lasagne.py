"""Weights of the 2018 system (`param0..N` of an .npz, written by Lasagne) in our networks.

The parameters come in the order of the layers. Convolutions there flip their filters, dense layers
hold [inputs, outputs], batch norms hold beta, gamma, mean and 1/std in this order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from birdml.errors import UserError
from birdml.networks.frontend import LearnableLog1p, LearnableMelBank, LearnablePower
from birdml.networks.layers import BatchNorm
from birdml.networks.pcen import PCEN

Convert = Callable[[np.ndarray], np.ndarray]


class Slot(NamedTuple):
    """One parameter: where it lives in our network, and how Lasagne lays it out."""

    name: str
    tensor: Tensor
    ours: Convert  # from Lasagne's layout to ours
    theirs: Convert  # and back


def slots(network: nn.Module) -> list[Slot]:
    """The parameters and statistics of a network in the order of Lasagne's parameter files."""
    return [slot for name, module in network.named_modules() for slot in _of_module(name, module)]


def _of_module(name: str, module: nn.Module) -> Iterator[Slot]:
    if isinstance(module, nn.Conv2d):
        dilated = max(module.dilation) > 1
        yield _slot(f"{name}.W", module.weight, *(_DILATED if dilated else _FLIPPED))
        if module.bias is not None:
            yield _slot(f"{name}.b", module.bias)
    elif isinstance(module, nn.Linear):
        yield _slot(f"{name}.W", module.weight, np.transpose, np.transpose)
        if module.bias is not None:
            yield _slot(f"{name}.b", module.bias)
    elif isinstance(module, BatchNorm):
        if module.beta is not None and module.gamma is not None:
            yield _slot(f"{name}.beta", module.beta)
            yield _slot(f"{name}.gamma", module.gamma)
            layout: tuple[Convert, Convert] = (_same, _same)
        else:  # the standardisation of mel bands: statistics are [1, M]
            layout = (_flatten_row, _row)
        yield _slot(f"{name}.mean", module.mean, *layout)
        yield _slot(f"{name}.inv_std", module.inv_std, *layout)
    elif isinstance(module, LearnableMelBank):
        yield _slot(f"{name}.spacings", module.spacings)
    elif isinstance(module, LearnablePower | LearnableLog1p):
        yield _slot(f"{name}.a", module.a)
    elif isinstance(module, PCEN):
        for part in ("log_s", "log_alpha", "log_delta", "log_r"):
            if part != "log_alpha" or isinstance(module.log_alpha, nn.Parameter):
                yield _slot(f"{name}.{part}", getattr(module, part))


def _same(array: np.ndarray) -> np.ndarray:
    return array


def _slot(name: str, tensor: Tensor, ours: Convert = _same, theirs: Convert = _same) -> Slot:
    return Slot(name, tensor, ours, theirs)


def _flip(array: np.ndarray) -> np.ndarray:
    return array[..., ::-1, ::-1]


def _swap(array: np.ndarray) -> np.ndarray:
    return array.swapaxes(0, 1)


def _row(array: np.ndarray) -> np.ndarray:
    return array[None]


def _flatten_row(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1) if array.shape[:1] == (1,) else array


_FLIPPED = (_flip, _flip)
_DILATED = (_swap, _swap)  # Lasagne's dilated convolution is [inputs, outputs, ...], unflipped


def read_parameters(file: str | Path | Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The arrays `param0`, `param1`, ... of an .npz of the 2018 system, in order.

    Raises UserError for a file that cannot be read or has no such arrays.
    """
    if isinstance(file, str | Path):
        try:
            with np.load(file) as arrays:
                return read_parameters({key: arrays[key] for key in arrays.files})
        except (OSError, ValueError, EOFError, AttributeError) as error:
            raise UserError(f"{file} is no .npz of parameters: {error}") from None
    count = sum(key.startswith("param") and key[5:].isdigit() for key in file)
    missing = [index for index in range(count) if f"param{index}" not in file]
    if not count or missing:
        what = f"param{missing[0]} is missing" if missing else "it has no array named param0"
        raise UserError(f"this is no parameter file of the 2018 system: {what}")
    return [np.asarray(file[f"param{index}"]) for index in range(count)]


@torch.no_grad()
def load_parameters(
    network: nn.Module, source: str | Path | Mapping[str, np.ndarray] | Sequence[np.ndarray]
) -> None:
    """Fills a network with the parameters of an .npz of the 2018 system (or its arrays, in order).

    Raises UserError, with all that does not fit, before anything is changed.
    """
    if isinstance(source, str | Path | Mapping):
        arrays = read_parameters(source)
    else:
        arrays = [np.asarray(array) for array in source]
    expected = slots(network)
    problems = []
    if len(arrays) != len(expected):
        problems.append(f"{len(arrays)} arrays where the network has {len(expected)}")
    for index, (slot, array) in enumerate(zip(expected, arrays, strict=False)):
        wanted = slot.theirs(slot.tensor.detach().cpu().numpy()).shape
        if array.shape != wanted:
            problems.append(f"param{index} has shape {array.shape} where {slot.name} has {wanted}")
        elif not np.isfinite(array).all():
            problems.append(f"param{index} ({slot.name}) has values that are not finite")
    if problems:
        shown = "; ".join(problems[:5])
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise UserError(f"the parameters do not fit the network: {shown}{more}")
    for slot, array in zip(expected, arrays, strict=True):
        slot.tensor.copy_(torch.from_numpy(np.array(slot.ours(array), dtype=np.float32)))


def export_parameters(network: nn.Module) -> list[np.ndarray]:
    """The parameters of a network as Lasagne lays them out; `load_parameters` reads them back."""
    return [np.array(slot.theirs(slot.tensor.detach().cpu().numpy())) for slot in slots(network)]
