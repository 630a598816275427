"""In which precision a training computes."""

from contextlib import AbstractContextManager, nullcontext

import torch

from birdml.zoo.parts import Hearing
from birdml.zoo.recipe import Recipe


def precision(recipe: Recipe, device: str) -> torch.dtype:
    """bfloat16 for networks that listen, on a GPU; float32 everywhere else.

    It is part of what a training is: another precision gives another model.
    """
    on_gpu = torch.device(device).type == "cuda"
    return torch.bfloat16 if on_gpu and isinstance(recipe, Hearing) else torch.float32


def computing_in(dtype: torch.dtype, device: torch.device) -> AbstractContextManager:
    """A block whose products and convolutions are computed in `dtype`, sums in float32."""
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)
