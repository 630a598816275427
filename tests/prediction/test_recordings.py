import numpy as np
import pytest
import torch

from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.prediction import recordings
from birdml.prediction.recordings import pooled_logits, score_pieces
from birdml.signal.excerpts import loop
from tests.golden import relative_difference
from tests.prediction.small import network, noise, one_pass

KINDS = [
    ("plain", "lme1", "power"),
    ("residual", "lme1", "power"),
    ("plain", "att16", "power"),
    ("residual", "att4", "log1p"),
    ("plain", "max", "log"),
    ("residual", "mean", "pcen"),
]


@pytest.mark.parametrize(("trunk", "pooling", "magnitude"), KINDS)
def test_equal_to_one_pass_wherever_the_cuts_are(monkeypatch, trunk, pooling, magnitude):
    built = network(trunk, pooling, magnitude=magnitude)
    for outputs, seconds in [(1, 3.1), (7, 5.003), (7, 9.0), (50, 20.01), (50, 33.333)]:
        monkeypatch.setitem(recordings.OUTPUTS_AT_ONCE, "cpu", outputs)
        samples = noise(seconds)
        ours = pooled_logits(built, samples)
        assert ours.dtype == np.float32
        assert relative_difference(ours, one_pass(built, samples)) < 1e-5


@pytest.mark.parametrize("trunk", ["plain", "residual"])
def test_equal_to_one_pass_at_the_real_segment_length(trunk):
    built = network(trunk)
    samples = noise(95.7)
    assert relative_difference(pooled_logits(built, samples), one_pass(built, samples)) < 1e-5


def test_scores_over_time_joined_are_those_of_one_pass(monkeypatch):
    monkeypatch.setitem(recordings.OUTPUTS_AT_ONCE, "cpu", 10)
    built = network("residual", "att4")
    samples = noise(12.2)
    with torch.inference_mode():
        ours = torch.cat(list(score_pieces(built, samples)), dim=-1)
        whole = built.scores(torch.from_numpy(samples)[None])
    assert relative_difference(ours, whole) < 1e-5


@pytest.mark.parametrize("length", [1, 500, 1024, 30000, 66149])
def test_short_recordings_are_looped_to_3_seconds(length):
    built = network()
    samples = noise(4)[:length]
    expected = one_pass(built, loop(samples, 66150))
    assert relative_difference(pooled_logits(built, samples), expected) < 1e-5


def test_rule_of_2018_joins_the_scores_of_63_second_segments():
    built = network()
    samples = noise(70)
    with torch.inference_mode():
        pieces = [
            built.scores(torch.from_numpy(part)[None])
            for part in (samples[: 4409 * 315 + 1024], samples[4200 * 315 :])
        ]
        expected = built.pool(torch.cat(pieces, dim=-1))[0]
    ours = pooled_logits(built, samples, rule="2018")
    assert relative_difference(ours, expected) < 1e-5
    exact = pooled_logits(built, samples)
    assert 1e-6 < relative_difference(ours, exact) < 0.1


def test_memory_maps_are_read_piece_by_piece(tmp_path):
    samples = noise(40)
    samples.tofile(tmp_path / "a.raw")
    mapped = np.memmap(tmp_path / "a.raw", np.int16, "r")
    built = network()
    assert np.array_equal(pooled_logits(built, mapped), pooled_logits(built, samples))


class Lent:
    """Samples that note which of them were asked for."""

    def __init__(self, samples):
        self.samples, self.parts = samples, []

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, part):
        self.parts.append(range(*part.indices(len(self.samples))))
        return self.samples[part]


def test_no_more_is_read_at_once_than_a_piece_and_little_of_it_twice():
    lent = Lent(noise(90))
    pooled_logits(network(), lent)
    longest = max(len(part) for part in lent.parts)
    assert longest < 25 * SAMPLE_RATE, "a piece is 15 s, and what it shares with its neighbours"
    assert sum(len(part) for part in lent.parts) < 1.5 * len(lent)
    assert set().union(*lent.parts) >= set(range(len(lent) - SAMPLE_RATE // 10))


def test_metadata_is_added_to_the_pooled_audio():
    built = network(family="combined")
    samples = noise(6)
    metadata = np.linspace(-3, 3, built.metadata.layers[0].in_features, dtype=np.float32)
    with torch.inference_mode():
        expected = built(torch.from_numpy(samples)[None], torch.from_numpy(metadata)[None])[0]
    assert relative_difference(pooled_logits(built, samples, metadata=metadata), expected) < 1e-5
    other = pooled_logits(built, samples, metadata=5 * metadata)
    assert relative_difference(other, expected) > 1e-3


def test_metadata_networks_need_no_samples():
    built = network(family="meta")
    metadata = np.ones(built.layers[0].in_features, np.float32)
    with torch.inference_mode():
        expected = built(torch.from_numpy(metadata)[None])[0]
    assert relative_difference(pooled_logits(built, None, metadata=metadata), expected) < 1e-6


def test_what_cannot_be_predicted_says_why():
    with pytest.raises(UserError, match="no samples"):
        pooled_logits(network(), np.zeros(0, np.int16))
    with pytest.raises(UserError, match="exact or 2018"):
        pooled_logits(network(), noise(3), rule="2017")
