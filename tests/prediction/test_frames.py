import numpy as np
import pytest
import torch

from birdml.networks.dense import dense_scores
from birdml.prediction import frames
from birdml.prediction.frames import frame_scores, sliding_logits
from tests.golden import relative_difference
from tests.prediction.small import network, noise, one_pass


@pytest.mark.parametrize("trunk", ["plain", "residual"])
@pytest.mark.parametrize("seconds", [3.0, 7.77])
def test_scores_of_every_frame_joined_are_those_of_one_pass(monkeypatch, trunk, seconds):
    monkeypatch.setattr(frames, "FRAMES_AT_ONCE", 100)
    built, samples = network(trunk, "att4"), noise(seconds)
    firsts, scores = zip(*frame_scores(built, samples))
    with torch.inference_mode():
        whole = dense_scores(built, torch.from_numpy(samples)[None])[0]
    assert relative_difference(torch.cat(scores, dim=1), whole) < 1e-5
    assert firsts[0] == {"plain": 51, "residual": 43}[trunk]
    assert list(firsts) == [firsts[0] + 100 * i for i in range(len(firsts))]


def test_a_score_belongs_to_the_frame_in_the_middle_of_what_it_hears():
    built = network()
    silent = np.zeros(22050 * 4, np.int16)
    loud = silent.copy()
    loud[315 * 140 + 512 - 100 : 315 * 140 + 512 + 100] = 20000  # around the centre of frame 140
    (first, quiet), (_, heard) = (next(frame_scores(built, s)) for s in (silent, loud))
    changed = np.flatnonzero((quiet != heard).any(dim=0)) + first
    assert abs((changed[0] + changed[-1]) / 2 - 140) <= 1
    assert 103 <= len(changed) <= 110


POOLINGS = ["lme1", "lme5", "att4", "max", "mean", "noisy_or"]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("hop", [1, 70])
def test_sliding_windows_are_those_computed_one_by_one(monkeypatch, pooling, hop):
    monkeypatch.setattr(frames, "FRAMES_AT_ONCE", 90)
    built, samples = network("plain", pooling), noise(7)
    logits = np.concatenate(list(sliding_logits(built, samples, seconds=2.5, hop=hop)))
    assert len(logits) == (487 - 175) // hop + 1
    for row in {0, 1, 3, len(logits) // 2, len(logits) - 1}:
        window = samples[315 * hop * row :][: 174 * 315 + 1024]
        assert relative_difference(logits[row], one_pass(built, window)) < 1e-5


@pytest.mark.parametrize("pooling", ["lme1", "att4"])
def test_sliding_windows_of_the_residual_trunk_pool_its_scores_of_every_frame(pooling):
    built, samples = network("residual", pooling), noise(6)
    (logits,) = sliding_logits(built, samples, hop=3)
    with torch.inference_mode():
        whole = dense_scores(built, torch.from_numpy(samples)[None])
        for row in (0, 5, len(logits) - 1):
            part = whole[..., 3 * row :: 9][..., :30]
            assert relative_difference(logits[row], built.pool(part)[0]) < 1e-5


def test_recordings_shorter_than_a_window_have_none():
    assert list(sliding_logits(network(), noise(4.9))) == []
    assert len(np.concatenate(list(sliding_logits(network(), noise(5.04))))) == 1
