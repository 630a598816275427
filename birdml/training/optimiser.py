"""Adam as the 2018 system computes it, with a faster first parameter; AdamW in one cycle."""

import math

import torch
from torch import nn

from birdml.networks.build import Network, first_parameter
from birdml.zoo.parts import Passes, Patient
from birdml.zoo.recipe import Recipe

BETAS = (0.9, 0.999)
EPSILON = 1e-8
FUSED = ("cpu", "cuda")  # devices that update all parameters in one pass


class Adam(torch.optim.Adam):
    """Adam with epsilon outside the bias correction: p -= a_t m / (sqrt(v) + epsilon) with
    a_t = rate sqrt(1 - beta2^t) / (1 - beta1^t) (Kingma and Ba, ICLR 2015, end of section 2).

    PyTorch adds its epsilon to the corrected sqrt(v / (1 - beta2^t)), so the same update is its
    own with epsilon / sqrt(1 - beta2^t).
    """

    def __init__(self, groups: list[dict], rate: float, fused: bool | None = None):
        super().__init__(groups, lr=rate, betas=BETAS, eps=EPSILON, fused=fused)
        self.steps = 0

    def step(self, closure=None):  # type: ignore[override]
        """One update of all parameters from their gradients."""
        self.steps += 1
        epsilon = EPSILON / (1 - BETAS[1] ** self.steps) ** 0.5
        for group in self.param_groups:
            group["eps"] = epsilon
        return super().step(closure)


class AdamW(torch.optim.AdamW):
    """AdamW (Loshchilov and Hutter, ICLR 2019) that keeps no state beside its moments."""

    steps = 0


Optimiser = Adam | AdamW


def optimiser_of(recipe: Recipe, network: Network) -> Optimiser:
    """The optimiser of a training; for a recipe that trains nothing, one of rate 0."""
    if isinstance(recipe, Passes):
        groups = [{"params": list(network.parameters()), "rate_factor": 1.0}]
        fused = next(network.parameters()).device.type in FUSED
        return AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=fused)
    if isinstance(recipe, Patient):
        return adam(network, recipe.learning_rate, recipe.first_parameter_rate)
    return adam(network, 0.0, 1.0)


def one_cycle(step: int, steps: int, highest: float) -> float:
    """The rate of a step, counted from 0: up from `highest` / 25 over the first 30 % of the steps,
    then down to almost nothing, both along half a cosine (Smith and Topin 2019, as in PyTorch)."""
    top = 0.3 * steps - 1
    first, last = highest / 25, highest / 25e4
    if step <= top:
        return _cosine(first, highest, step / max(top, 1))
    return _cosine(highest, last, (step - top) / max(steps - 1 - top, 1))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def adam(network: Network, rate: float, first_parameter_rate: float) -> Adam:
    """The optimiser of 2018: every parameter at `rate`, the first one at a multiple of it."""
    first = first_parameter(network)
    others = [p for p in network.parameters() if p.requires_grad and p is not first]
    groups = [
        {"params": [first], "rate_factor": first_parameter_rate},
        {"params": others, "rate_factor": 1.0},
    ]
    optimiser = Adam(groups, rate, fused=first.device.type in FUSED)
    set_rate(optimiser, rate)
    return optimiser


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Sets the learning rate; each group keeps its factor."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["rate_factor"]


def sum_of_squares(network: nn.Module) -> torch.Tensor:
    """Of the weights of convolutions and dense layers and the factors of batch norms, for weight
    decay; biases and the parameters of a frontend are left alone, as Lasagne does."""
    decayed = [p for n, p in network.named_parameters() if n.endswith((".weight", ".gamma"))]
    return torch.stack([p.square().sum() for p in decayed]).sum()


def moments(optimiser: Optimiser, network: nn.Module) -> dict[str, torch.Tensor]:
    """The optimiser's running averages, by the names of the parameters they belong to."""
    return {
        f"{key}.{name}": optimiser.state[parameter][key]
        for name, parameter in network.named_parameters()
        if parameter in optimiser.state
        for key in ("exp_avg", "exp_avg_sq", "step")
    }


def restore_moments(
    optimiser: Optimiser, network: nn.Module, tensors: dict[str, torch.Tensor], steps: int
) -> None:
    """Puts back what `moments` gave after `steps` updates."""
    optimiser.steps = steps
    optimiser.state.clear()
    for name, parameter in network.named_parameters():
        if f"step.{name}" in tensors:
            # The fused update goes through memory in order: averages must lie there as their
            # parameter does, which a file does not keep.
            averages = {
                key: torch.empty_like(parameter).copy_(tensors[f"{key}.{name}"])
                for key in ("exp_avg", "exp_avg_sq")
            }
            step = tensors[f"step.{name}"].clone().to(parameter.device)
            optimiser.state[parameter] = {"step": step, **averages}
