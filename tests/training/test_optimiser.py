"""Adam number by number, as its paper states the form with epsilon outside the correction."""

import numpy as np
import torch

from birdml.networks.build import build_network, first_parameter
from birdml.training.optimiser import adam, moments, restore_moments, set_rate
from birdml.zoo.recipe import MetaRecipe

RECIPE = MetaRecipe("x", hidden=(6,))
FACTOR = 10.0


def small():
    torch.manual_seed(0)
    return build_network(RECIPE, 4)


def gradients(network, step: int) -> dict[str, torch.Tensor]:
    """Of all sizes, so that epsilon counts in some and not in others."""
    rng = torch.Generator().manual_seed(step)
    found = {}
    for name, parameter in network.named_parameters():
        size = torch.randint(-9, 1, parameter.shape, generator=rng)
        found[name] = torch.randn(parameter.shape, generator=rng) * 10.0**size
    return found


def take_steps(network, optimiser, steps: range) -> None:
    for step in steps:
        given = gradients(network, step)
        for name, parameter in network.named_parameters():
            parameter.grad = given[name]
        optimiser.step()


def test_steps_follow_the_formula_and_the_first_parameter_is_faster():
    network = small()
    wanted = {name: p.detach().double().numpy() for name, p in network.named_parameters()}
    first = next(n for n, p in network.named_parameters() if p is first_parameter(network))
    optimiser = adam(network, 0.01, FACTOR)
    mean = {name: np.zeros_like(value) for name, value in wanted.items()}
    square = {name: np.zeros_like(value) for name, value in wanted.items()}
    for step in range(1, 6):
        rate = 0.01 if step < 4 else 0.001
        set_rate(optimiser, rate)
        given = gradients(network, step)
        for name, parameter in network.named_parameters():
            parameter.grad = given[name]
        optimiser.step()
        corrected = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        for name, gradient in given.items():
            exact = gradient.double().numpy()
            mean[name] = 0.9 * mean[name] + 0.1 * exact
            square[name] = 0.999 * square[name] + 0.001 * exact**2
            factor = FACTOR if name == first else 1.0
            wanted[name] -= factor * corrected * mean[name] / (np.sqrt(square[name]) + 1e-8)
        for name, parameter in network.named_parameters():
            np.testing.assert_allclose(
                parameter.detach().numpy(), wanted[name], rtol=1e-5, atol=1e-6, err_msg=name
            )


def test_a_resumed_optimiser_takes_the_same_steps():
    network = small()
    optimiser = adam(network, 0.01, FACTOR)
    take_steps(network, optimiser, range(4))
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    running = {key: value.clone() for key, value in moments(optimiser, network).items()}
    steps = optimiser.steps
    take_steps(network, optimiser, range(4, 8))

    other = small()
    other.load_state_dict(weights)
    resumed = adam(other, 0.01, FACTOR)
    restore_moments(resumed, other, running, steps)
    take_steps(other, resumed, range(4, 8))
    for (name, one), two in zip(network.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0, msg=name)
