"""The table at the end of the whole way: what a model is held against, and unseen recordings."""

import numpy as np
import pytest

from birdml.steps.main import map_on_test, most_common_first
from birdml.submission.truth import MonophoneTruth
from tests.datasets import make_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("made") / "tiny", audio=False)


def test_the_most_common_species_come_first(dataset):
    counts = most_common_first(dataset)
    assert counts.shape == (3,)
    assert counts.sum() == len(dataset.split("train"))


def test_unseen_recordings_are_ranked_by_the_truth_that_names_them(dataset):
    recordings = dataset.split("test")
    truth = MonophoneTruth({r.media_id: f"sp{i % 3}" for i, r in enumerate(recordings)}, {})
    right = np.eye(3)[[i % 3 for i in range(len(recordings))]]
    assert map_on_test(dataset, truth, right) == 1
    assert map_on_test(dataset, truth, -right) == pytest.approx(1 / 3)
    # one answer for all, and a recording that the truth leaves out
    some = MonophoneTruth({recordings[0].media_id: "sp0", recordings[1].media_id: "sp1"}, {})
    assert map_on_test(dataset, some, np.array([3.0, 2.0, 1.0])) == pytest.approx((1 + 1 / 2) / 2)
