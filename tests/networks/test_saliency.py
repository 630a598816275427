"""Guided back-propagation of a species' score."""

import torch
from torch import nn

from birdml.networks.saliency import guided, saliency
from tests.networks.test_dense import network

SAMPLES = torch.randint(
    -3000,
    3000,
    (2, 315 * 150 + 1024),
    dtype=torch.int16,
    generator=torch.Generator().manual_seed(1),
)


def test_it_has_a_value_for_every_band_and_frame_and_none_is_negative():
    audio = network("plain")
    map_ = saliency(audio, SAMPLES, label=2)
    assert map_.shape == (2, 151, 80)
    assert map_.min() == 0 and map_.max() > 0


def test_frames_that_no_output_sees_are_not_salient():
    audio = network("plain")  # 151 frames give 6 outputs, which end at frame 148
    assert saliency(audio, SAMPLES, label=2)[:, 148:].max() == 0


def test_only_positive_gradients_pass_rectifiers():
    x = torch.tensor([[1.0, -2.0]], requires_grad=True)
    rectifier = nn.Sequential(nn.LeakyReLU(0.01))
    with guided(rectifier):
        (lower,) = torch.autograd.grad(rectifier(x), x, torch.tensor([[-3.0, 3.0]]))
    torch.testing.assert_close(lower, torch.tensor([[0.0, 0.03]]))


def test_another_species_has_another_map_and_the_network_stays_as_it_was():
    audio = network("residual")
    before = audio(SAMPLES)
    first, second = saliency(audio, SAMPLES, 0), saliency(audio, SAMPLES, 1)
    assert not torch.equal(first, second)
    torch.testing.assert_close(audio(SAMPLES), before, rtol=0, atol=0)
    assert all(layer.inplace for layer in audio.modules() if isinstance(layer, nn.LeakyReLU))
    assert all(parameter.grad is None for parameter in audio.parameters())
