"""The network of a head: its kinds, and how windows become recordings."""

import numpy as np
import pytest
import torch

from birdml.encoders.entries import find_encoder
from birdml.networks.head import HEADS, HeadNetwork

D, C = 1024, 3


def network(**settings):
    torch.manual_seed(0)
    built = HeadNetwork(find_encoder("birdnet24"), C, **settings)
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return built.eval()


WINDOWS = np.random.default_rng(0).standard_normal((6, D)).astype(np.float32)


@pytest.mark.parametrize("head", HEADS)
def test_every_kind_gives_log_probabilities_of_a_recording(head):
    found = network(head=head).of_embeddings(WINDOWS)
    assert found.shape == (C,) and found.dtype == np.float32
    assert np.exp(found).sum() == pytest.approx(1, abs=1e-5)


def test_windows_become_recordings_by_the_mean_of_their_probabilities():
    built = network()
    p = np.exp(built.of_windows(WINDOWS))
    np.testing.assert_allclose(np.exp(built.of_embeddings(WINDOWS)), p.mean(0), rtol=1e-4)
    np.testing.assert_allclose(np.exp(built.of_embeddings(WINDOWS[:1])), p[0], rtol=1e-4)
    sharp = network(pooling_sharpness=200.0)
    np.testing.assert_allclose(np.exp(sharp.of_embeddings(WINDOWS)), p.max(0), rtol=0.02)


def test_attention_chooses_windows():
    built = network(attention=True)
    built.direction.data = torch.from_numpy(20 * WINDOWS[3])
    p = np.exp(built.of_windows(WINDOWS))
    np.testing.assert_allclose(np.exp(built.of_embeddings(WINDOWS)), p[3], rtol=1e-4)


def test_prototypes_hear_directions_and_no_lengths():
    built = network(head="prototype")
    one = built.of_windows(WINDOWS)
    np.testing.assert_allclose(one, built.of_windows(7 * WINDOWS), atol=1e-5)
