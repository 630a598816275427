"""Recordings that are one of many alike count less."""

import numpy as np
import pytest

from birdml.dataset.recording import Recording
from birdml.training.repeats import recordist_groups, repeat_weights


def recordings():
    here = {"latitude": -3.101, "longitude": -60.0}
    return [
        *(Recording(f"a{i}", "train", "x", recordist="Ana", **here) for i in range(4)),
        Recording("b", "train", "y", recordist="Ana", **here),
        Recording("c", "train", "x", recordist="Bo", **here),
        Recording("d", "train", "x", recordist="Ana", latitude=-3.2, longitude=-60.0),
        Recording("e", "train", "x"),
        Recording("f", "train", "x"),
    ]


def test_n_alike_count_as_the_root_of_n():
    weights = repeat_weights(recordings(), 0.5)
    assert weights.dtype == np.float32 and weights.mean() == pytest.approx(1)
    np.testing.assert_allclose(weights[:4] / weights[4], 0.5)
    np.testing.assert_allclose(weights[4:] / weights[4], 1, err_msg="nothing else is alike")


def test_the_exponent_says_how_much():
    assert np.allclose(repeat_weights(recordings(), 0.0), 1)
    whole = repeat_weights(recordings(), 1.0)
    assert whole[:4].sum() == pytest.approx(float(whole[4]))


def test_places_are_told_apart_by_their_digits():
    coarse = repeat_weights(recordings(), 1.0, digits=0)
    assert coarse[6] == pytest.approx(float(coarse[0])), "0.1 degrees away is the same place"


def test_unnamed_recordists_are_groups_of_their_own():
    groups = recordist_groups(recordings())
    assert len(set(groups[:5])) == 1 and groups[6] == groups[0] != groups[5]
    assert groups[7] != groups[8]
