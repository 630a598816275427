"""Full time resolution: equal to the strided network on shifted inputs."""

import pytest
import torch

from birdml.networks.build import build_network
from birdml.networks.dense import dense_scores, dense_scores_from_mel
from birdml.networks.pooling import pooling_named
from birdml.zoo.recipe import AudioRecipe

SMALL = {"channels": (4, 6), "width": 12, "dropout": 0.5}


def network(trunk: str, pooling: str = "att3", classes: int = 5):
    torch.manual_seed(0)
    recipe = AudioRecipe("small", trunk=trunk, pooling=pooling, **SMALL)
    built = build_network(recipe, classes)
    with torch.no_grad():
        for name, buffer in built.named_buffers():
            if name.endswith(".mean"):
                buffer.normal_(std=0.1)
            elif name.endswith(".inv_std"):
                buffer.uniform_(0.5, 2.0)
    return built.eval()


@pytest.mark.parametrize("trunk", ["plain", "residual"])
@pytest.mark.parametrize("frames", [119, 200, 307])
@torch.no_grad()
def test_each_output_is_the_strided_one_of_a_shifted_input(trunk, frames):
    audio = network(trunk)
    mel = torch.randn(2, 1, frames, 80)
    dense = dense_scores_from_mel(audio, mel)
    field, stride, padding = audio.geometry
    assert dense.shape == (2, 5 + 3, frames - field + 2 * padding + 1)
    inside = range(padding, frames - field + padding + 1)  # sees no padded edge
    assert len(inside) == frames - field + 1
    for shift in range(stride):
        strided = audio.scores_from_mel(mel[:, :, shift:])
        for t in range(shift, dense.shape[2], stride):
            # an output whose receptive field begins before the cut sees padding in the strided pass
            if t in inside and t - padding >= shift:
                torch.testing.assert_close(
                    dense[:, :, t], strided[:, :, t // stride], rtol=1e-5, atol=1e-5
                )


@torch.no_grad()
def test_a_plain_trunk_scores_each_excerpt_of_103_frames():
    audio = network("plain")
    mel = torch.randn(1, 1, 140, 80)
    dense = dense_scores_from_mel(audio, mel)
    for frame in range(dense.shape[2]):
        excerpt = audio.scores_from_mel(mel[:, :, frame : frame + 103])
        torch.testing.assert_close(dense[:, :, frame], excerpt[:, :, 0], rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_samples_go_through_the_frontend():
    audio = network("plain")
    samples = torch.randint(-3000, 3000, (1, 315 * 130 + 1024), dtype=torch.int16)
    mel = audio.frontend(audio.spectrogram(samples))
    torch.testing.assert_close(dense_scores(audio, samples), dense_scores_from_mel(audio, mel))


@pytest.mark.parametrize("trunk, least", [("plain", 103), ("residual", 87)])
@torch.no_grad()
def test_inputs_that_are_too_short_have_no_outputs(trunk, least):
    audio = network(trunk)
    assert dense_scores_from_mel(audio, torch.randn(1, 1, least - 1, 80)).shape[2] == 0
    assert dense_scores_from_mel(audio, torch.randn(1, 1, least, 80)).shape[2] == 1


@torch.no_grad()
def test_pooling_every_ninth_output_gives_the_logits():
    audio = network("plain", "lme2")
    assert audio.pool.sharpness == pooling_named("lme2").sharpness
    mel = torch.randn(1, 1, 250, 80)
    logits = audio.pool(audio.scores_from_mel(mel))
    torch.testing.assert_close(audio.pool(dense_scores_from_mel(audio, mel)[:, :, ::9]), logits)
