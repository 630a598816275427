"""Adam as the 2018 system computes it, with a faster first parameter."""

import torch
from torch import nn

from birdml.networks.build import Network, first_parameter

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


def adam(network: Network, rate: float, first_parameter_rate: float) -> Adam:
    """The optimiser of a training: every parameter at `rate`, the first one at a multiple of it."""
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


def moments(optimiser: Adam, network: nn.Module) -> dict[str, torch.Tensor]:
    """The optimiser's running averages, by the names of the parameters they belong to."""
    return {
        f"{key}.{name}": optimiser.state[parameter][key]
        for name, parameter in network.named_parameters()
        if parameter in optimiser.state
        for key in ("exp_avg", "exp_avg_sq", "step")
    }


def restore_moments(
    optimiser: Adam, network: nn.Module, tensors: dict[str, torch.Tensor], steps: int
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
