"""What speaks for a species, by what its score loses."""

import numpy as np
import pytest
import torch

from birdml.dataset.recording import SAMPLE_RATE
from birdml.encoders.entries import find_encoder
from birdml.networks.head import HeadNetwork
from birdml.prediction.occlusion import BANDS, occlusion
from birdml.signal.spectrogram import num_frames
from tests.encoders.made_up import make_encoder


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    """Class 0 is the pitch of 900 Hz, class 1 that of 2070 Hz, class 2 neither."""
    table = make_encoder(tmp_path_factory.mktemp("encoder"))
    network = HeadNetwork(find_encoder("tiny", str(table)), 3)
    weight = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]])
    network.out.weight.data, network.out.bias.data = weight, torch.tensor([0.0, 0.0, 1.0])
    return network.eval()


def tones(*parts, seconds=4.0):
    """Noise with tones of (pitch, first second, last second), int16."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.random.default_rng(0).standard_normal(len(time)) * 20
    for pitch, first, last in parts:
        sound += 6000 * np.sin(2 * np.pi * pitch * time) * ((time >= first) & (time < last))
    return sound.astype(np.int16)


def place(told, centres):
    """Second and Hz of the most telling tile's middle frame."""
    frames, bands = np.nonzero(told == told.max())
    return frames.mean() / 70, centres[bands[0]]


def test_a_call_is_found_in_time_and_pitch(head):
    samples = tones((900, 1.1, 1.2), (2070, 3.1, 3.2))
    told, centres = occlusion(head, samples, 0)
    assert told.shape == (num_frames(len(samples)), BANDS) and told.min() >= 0
    second, hertz = place(told, centres)
    assert 1.0 < second < 1.3 and 650 < hertz < 1300
    second, hertz = place(*occlusion(head, samples, 1))
    assert 3.0 < second < 3.3 and 1600 < hertz < 2700


def test_what_speaks_against_a_species_is_nothing_that_speaks_for_it(head):
    # only in the band of 2070 Hz: quietening it makes class 0 no less likely
    samples = tones((2070, 0.0, 4.0))
    told, centres = occlusion(head, samples, 0)
    band = np.abs(centres - 2070).argmin()
    assert told[:, band].max() < 1e-3


def test_a_recording_shorter_than_a_window_is_heard_too(head):
    told, _ = occlusion(head, tones((900, 0.05, 0.1), seconds=0.3), 0)
    assert told.max() > 0
