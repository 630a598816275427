"""Small networks with all parts of the real ones, and signals to feed them."""

import numpy as np
import torch

from birdml.networks.build import build_network
from birdml.networks.layers import BatchNorm
from birdml.zoo.recipe import Recipe
from tests.recipes import small_recipe

CLASSES = 7


def recipe(trunk: str = "plain", pooling: str = "lme1", **settings) -> Recipe:
    family = settings.pop("family", "audio")
    if family != "meta":
        settings |= {"trunk": trunk, "pooling": pooling}
    return small_recipe("small", family, **settings)


def network(trunk: str = "plain", pooling: str = "lme1", seed: int = 0, **settings):
    """A network in evaluation mode whose scores vary over time as those of a trained one do."""
    torch.manual_seed(seed)
    built = build_network(recipe(trunk, pooling, **settings), CLASSES).eval()
    for module in built.modules():
        if isinstance(module, BatchNorm):
            module.mean.uniform_(-0.2, 0.2)
            module.inv_std.uniform_(0.5, 2.0)
        if isinstance(module, torch.nn.Conv2d) and module.kernel_size == (1, 1):
            module.weight.data *= 3.0
    return built


def noise(seconds: float, seed: int = 1) -> np.ndarray:
    """int16 noise whose loudness and pitch change all the time."""
    rng = np.random.default_rng(seed)
    samples = rng.standard_normal(round(seconds * 22050))
    time = np.arange(len(samples)) / 22050
    chirp = np.sin(2 * np.pi * (2000 * time + 700 * np.sin(3 * time)))
    return (3000 * (samples * (1 + np.sin(2 * time)) + 2 * chirp)).clip(-32768, 32767).astype("i2")


def one_pass(built, samples: np.ndarray) -> np.ndarray:
    """Logits [C] of all samples at once."""
    with torch.inference_mode():
        return built(torch.from_numpy(samples)[None]).numpy()[0]
