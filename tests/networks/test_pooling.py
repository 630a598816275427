"""Pooling over time, at once and piece by piece."""

import pytest
import torch

from birdml.errors import UserError
from birdml.networks.pooling import Attention, LogMeanExp, pooling_named

NAMES = ["lme1", "lme5", "lme0.5", "att16", "att1", "max", "mean", "noisy_or"]


def scores(name: str, outputs: int = 23) -> torch.Tensor:
    extra = pooling_named(name).extra
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 5 + extra, outputs, generator=generator) * 4


@pytest.mark.parametrize("name", NAMES)
def test_pieces_of_any_length_pool_like_the_whole(name):
    pool = pooling_named(name)
    whole = scores(name)
    parts = [pool.partial(part) for part in whole.split([1, 9, 2, 11], dim=-1)]
    state = pool.merge(pool.merge(parts[0], parts[1]), pool.merge(parts[2], parts[3]))
    torch.testing.assert_close(pool.finish(state), pool(whole), rtol=1e-5, atol=1e-5)
    assert pool(whole).shape == (3, 5)


@pytest.mark.parametrize("name", NAMES)
def test_constant_scores_stay_what_they_are(name):
    pool = pooling_named(name)
    constant = torch.full_like(scores(name, 1), 1.5)
    torch.testing.assert_close(pool(constant), torch.full((3, 5), 1.5))


def test_sharpness_moves_from_mean_to_maximum():
    x = scores("lme1")
    torch.testing.assert_close(LogMeanExp(1e-4)(x.double()).float(), x.mean(-1), rtol=0, atol=0.1)
    torch.testing.assert_close(LogMeanExp(1e3)(x), x.amax(-1), rtol=0, atol=0.01)


def test_attention_weights_sum_to_one_and_follow_the_attention_channels():
    pool = Attention(2)
    x = torch.zeros(1, 3 + 2, 4)
    x[:, :3] = torch.arange(4.0)
    x[:, 3:, 2] = 100.0
    assert pool.weights(x).sum() == pytest.approx(1)
    torch.testing.assert_close(pool(x), torch.full((1, 3), 2.0))


def test_noisy_or_is_one_minus_the_product():
    x = scores("noisy_or", 4).double() / 4
    expected = 1 - (1 - x.sigmoid()).prod(-1)
    torch.testing.assert_close(
        pooling_named("noisy_or")(x).sigmoid().double(), expected, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", ["lme", "lme0", "att0", "att1.5", "median", "LME1", "att-3"])
def test_unknown_pooling_is_an_error_that_names_it(name):
    with pytest.raises(UserError, match=f"'{name}'"):
        pooling_named(name)
