import numpy as np
import pytest
import torch

from birdml.errors import UserError
from birdml.prediction import windows
from birdml.prediction.windows import window_logits
from birdml.signal.excerpts import loop
from tests.golden import relative_difference
from tests.prediction.small import CLASSES, network, noise, one_pass

LENGTH = 349 * 315 + 1024  # samples of 350 frames


@pytest.mark.parametrize("trunk", ["plain", "residual"])
def test_every_window_is_pooled_alone(trunk):
    built = network(trunk)
    samples = noise(23)
    logits = window_logits(built, samples)
    assert logits.shape == (5, CLASSES) and logits.dtype == np.float32
    for row in range(4):
        expected = one_pass(built, samples[110250 * row :][:LENGTH])
        assert relative_difference(logits[row], expected) < 1e-5
    assert relative_difference(logits[4], one_pass(built, loop(samples[441000:], LENGTH))) < 1e-5


def test_results_do_not_depend_on_the_batch(monkeypatch):
    built, samples = network("residual", "att4"), noise(31)
    together = window_logits(built, samples)
    monkeypatch.setitem(windows.FRAMES_AT_ONCE, "cpu", 1)
    assert relative_difference(window_logits(built, samples), together) < 1e-6


def test_rule_of_2018_differs_only_at_the_end():
    built, samples = network(), noise(60)
    exact, published = window_logits(built, samples), window_logits(built, samples, rule="2018")
    assert len(exact) == 12 and len(published) == 11
    assert relative_difference(published, exact[:11]) < 1e-6


def test_rule_of_2018_takes_a_short_recording_as_it_is():
    built, samples = network(), noise(4)
    logits = window_logits(built, samples, rule="2018")
    assert relative_difference(logits[0], one_pass(built, samples)) < 1e-6


@pytest.mark.parametrize("rule", ["exact", "2018"])
def test_a_few_samples_are_one_looped_window(rule):
    built, samples = network(), noise(1)[:300]
    logits = window_logits(built, samples, rule=rule)
    assert relative_difference(logits[0], one_pass(built, loop(samples, LENGTH))) < 1e-6


def test_windows_of_another_length():
    built, samples = network(), noise(10)
    logits = window_logits(built, samples, seconds=2.5)
    assert len(logits) == 4
    assert (
        relative_difference(logits[1], one_pass(built, samples[55125:][: 174 * 315 + 1024])) < 1e-5
    )


def test_metadata_is_in_every_window():
    built = network(family="combined")
    samples = noise(11)
    metadata = np.linspace(-1, 1, built.metadata.layers[0].in_features, dtype=np.float32)
    logits = window_logits(built, samples, metadata=metadata)
    with torch.inference_mode():
        part = built.metadata(torch.from_numpy(metadata)[None])[0].numpy()
    audio = window_logits(built.audio, samples)
    assert relative_difference(logits, audio + built.weight * part) < 1e-5
    alone = window_logits(built.metadata, samples, metadata=metadata)
    assert relative_difference(alone, np.stack([part] * 3)) < 1e-6


def test_windows_too_short_for_the_network():
    with pytest.raises(UserError, match="make them longer"):
        window_logits(network(), noise(5), seconds=1)
