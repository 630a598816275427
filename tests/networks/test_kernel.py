"""The kernel model, against its formula written out for one pair at a time."""

import math

import numpy as np
import pytest
import torch

from birdml.networks import kernel
from birdml.networks.kernel import FLOOR, KernelNetwork, PlaceKernelNetwork
from birdml.networks.place import PlaceNetwork

NAN = math.nan
TABLE = torch.tensor(
    [
        [100.0, 360.0, -10.0, -60.0, 200.0],
        [120.0, 700.0, -11.0, -61.0, 900.0],
        [NAN, 300.0, 5.0, -70.0, NAN],
        [200.0, NAN, NAN, NAN, 50.0],
        [10.0, 1000.0, -10.1, -60.1, 220.0],
    ]
)
SHARES = torch.tensor([[1, 0, 0], [0, 2 / 3, 1 / 3], [0, 0, 1], [1, 0, 0], [0, 1, 0]])
WEIGHTS = torch.tensor([1.0, 0.5, 2.0, 1.0, 0.7])


def model(seed=0):
    torch.manual_seed(seed)
    made = KernelNetwork(3)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.5)
    made.remember(TABLE, SHARES, WEIGHTS)
    return made.eval()


def point(latitude, longitude):
    north, east = math.radians(latitude), math.radians(longitude)
    return np.array(
        [math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)]
    )


def expected(made, row, without=()):
    factors = made.log_factors.exp().detach().numpy()
    penalties = made.log_penalties.exp().detach().numpy()
    mass, total = np.zeros(3), 0.0
    for i, kept in enumerate(TABLE.numpy()):
        if i in without:
            continue
        terms = [
            np.linalg.norm(point(*row[2:4]) - point(*kept[2:4])),
            1 - math.cos(2 * math.pi * (row[0] - kept[0]) / 365),
            1 - math.cos(2 * math.pi * (row[1] - kept[1]) / 1440),
            (math.log1p(row[4] / 50) - math.log1p(kept[4] / 50)) ** 2 / 2,
        ]
        value = sum(
            math.exp(
                made.height[q].item()
                - sum(
                    penalties[t, q] if math.isnan(term) else factors[t, q] * term
                    for t, term in enumerate(terms)
                )
            )
            for q in range(4)
        )
        mass += float(WEIGHTS[i]) * value * SHARES[i].numpy()
        total += float(WEIGHTS[i]) * value
    prior = (WEIGHTS @ SHARES / WEIGHTS.sum()).numpy()
    s = math.exp(made.log_prior.item())
    return np.log((mass + s * prior) / (total + s) + FLOOR)


ASKED = torch.tensor([[110.0, 400.0, -10.2, -60.3, 300.0], [NAN, 50.0, -12.0, -61.0, NAN]])


def test_it_is_its_formula():
    made = model()
    answer = made(ASKED).detach().numpy()
    for row, values in zip(ASKED.numpy(), answer):
        np.testing.assert_allclose(values, expected(made, row), rtol=1e-4)
    np.testing.assert_allclose(np.exp(answer).sum(1), 1, atol=1e-4)


def test_what_the_same_person_recorded_does_not_count_in_training():
    made, groups = model(), torch.tensor([7, 8, 7, 9, 8])
    answer = made(ASKED, torch.tensor([7, 3]), groups).detach().numpy()
    np.testing.assert_allclose(answer[0], expected(made, ASKED[0].numpy(), (0, 2)), rtol=1e-4)
    np.testing.assert_allclose(answer[1], expected(made, ASKED[1].numpy()), rtol=1e-4)


def test_blocks_do_not_change_the_answer(monkeypatch):
    made = model()
    whole = made(ASKED)
    monkeypatch.setattr(kernel, "PAIRS", 4)
    torch.testing.assert_close(made(ASKED), whole)


def test_every_parameter_has_a_gradient_that_is_finite():
    made = model()
    made(ASKED, torch.tensor([7, 3]), torch.tensor([7, 8, 7, 9, 8]))[:, 1].sum().backward()
    for name, parameter in made.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


def test_nobody_near_leaves_the_prior():
    made = model()
    with torch.no_grad():
        made.height.fill_(-200.0)
    prior = WEIGHTS @ SHARES / WEIGHTS.sum()
    torch.testing.assert_close(made(ASKED)[0], (prior + FLOOR).log(), atol=1e-5, rtol=1e-5)


def test_what_it_keeps_is_saved_with_its_weights():
    made, other = model(), KernelNetwork(3)
    other.load_state_dict(made.state_dict())
    torch.testing.assert_close(other.eval()(ASKED), made(ASKED))
    assert not any("group" in name for name in made.state_dict()), "nobody's name is kept"


def test_both_in_one_add_their_log_probabilities():
    torch.manual_seed(1)
    place, made = PlaceNetwork(6, 3, 8).eval(), model()
    both = PlaceKernelNetwork(place, made, 0.4).eval()
    features = torch.randn(2, 6)
    answer = both(torch.cat([features, ASKED], dim=1))
    torch.testing.assert_close(answer, place(features).log_softmax(1) + 0.4 * made(ASKED))


@pytest.mark.parametrize("missing", [0, 1, 2, 4])
def test_any_field_may_be_unknown(missing):
    row = ASKED[:1].clone()
    row[0, missing] = NAN
    assert torch.isfinite(model()(row)).all()
