"""Networks of recipes."""

from dataclasses import replace

import pytest
import torch

from birdml.errors import UserError
from birdml.networks.build import build_network, first_parameter
from birdml.networks.trunks import plain_trunk
from birdml.zoo.recipe import AudioRecipe, MetaRecipe
from tests.recipes import small_recipe

SMALL = AudioRecipe("small", channels=(4, 6), width=12)
SAMPLES = torch.randint(
    -3000, 3000, (2, 50000), dtype=torch.int16, generator=torch.Generator().manual_seed(0)
)


def test_the_published_trunks_have_their_receptive_fields():
    plain, residual = build_network(SMALL, 5), build_network(replace(SMALL, trunk="residual"), 5)
    assert (plain.receptive_field, plain.stride, plain.geometry.padding) == (103, 9, 0)
    assert (residual.receptive_field, residual.stride, residual.geometry.padding) == (119, 9, 16)


def test_the_published_network_has_the_published_size():
    """conv 64, 64, 128, 128, 128 (3 x 17), 1024 (9 x 1), 1024 and 1500 classes."""
    weights = [9 * 64, 9 * 64 * 64, 9 * 64 * 128, 9 * 128 * 128, 3 * 17 * 128 * 128]
    weights += [9 * 128 * 1024, 1024 * 1024, 1024 * 1500]
    norms = 2 * (64 + 64 + 128 + 128 + 128 + 1024 + 1024)
    network = build_network(AudioRecipe("audio1"), 1500)
    trained = sum(parameter.numel() for parameter in network.parameters())
    assert trained == sum(weights) + norms + 1500 + 1  # bias of the classes, exponent


@pytest.mark.parametrize(
    "settings",
    [
        {"trunk": "residual", "pooling": "att4"},
        {"filterbank": "mel_learn", "magnitude": "pcen", "mel_spread": 0.1},
        {"pooling": "noisy_or", "mel_bands": 60, "mel_max": 8000.0, "shifts": 3},
        {"family": "meta"},
        {"family": "combined"},
        {"family": "place"},
        {"family": "combined_place"},
    ],
)
@pytest.mark.parametrize("autocast", [False, True])
def test_networks_train_in_single_and_mixed_precision(settings, autocast):
    torch.manual_seed(0)
    recipe = small_recipe("small", **{"family": "audio"} | settings)
    network = build_network(recipe, 5)
    values = {"samples": SAMPLES}
    if recipe.takes_metadata:
        values["metadata"] = torch.randn(2, recipe.encoded_size)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        logits = network(*(values[name] for name in network.takes))
    assert logits.shape == (2, 5) and logits.dtype == torch.float32
    logits.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name


def test_the_first_parameter_is_the_exponent_or_the_first_weights():
    assert first_parameter(build_network(SMALL, 5)).shape == ()
    combined = build_network(small_recipe("c", "combined"), 5)
    assert first_parameter(combined) is combined.audio.frontend.magnitude.a
    assert first_parameter(build_network(MetaRecipe("m"), 5)).shape == (256, 32)


def test_combined_logits_are_a_weighted_sum():
    network = build_network(small_recipe("c", "combined"), 5).eval()
    metadata = torch.randn(2, 32)
    torch.testing.assert_close(
        network(SAMPLES, metadata), network.audio(SAMPLES) + 0.33 * network.metadata(metadata)
    )


def test_the_same_seed_gives_the_same_network():
    networks = []
    for _ in range(2):
        torch.manual_seed(3)
        networks.append(build_network(SMALL, 5).state_dict())
    assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])


def test_grouped_and_pooled_variants_run_and_impossible_ones_say_why():
    x = torch.randn(2, 1, 120, 80)
    trunk = plain_trunk(
        channels=(4, 8), width=12, groups=2, long_groups=4, channel_dropout=0.1, group_dropout=0.1
    )
    assert trunk(x).shape == (2, 12, 2, 1)
    assert plain_trunk(channels=(4, 8), width=12, sharpness=2.0)(x).shape == (2, 12, 2, 1)
    with pytest.raises(UserError, match="groups"):
        plain_trunk(channels=(4, 6), groups=4)
    with pytest.raises(UserError, match="shifts = 5"):
        build_network(replace(SMALL, mel_bands=20), 5)
