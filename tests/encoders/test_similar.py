"""The nearest windows by cosine, in blocks."""

import numpy as np
import pytest

from birdml.encoders import similar
from birdml.encoders.similar import nearest


@pytest.mark.parametrize("block", [1, 7, 1 << 14])
def test_they_are_those_of_a_full_sort(block, monkeypatch):
    monkeypatch.setattr(similar, "BLOCK", block)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((50, 8)).astype(np.float16)
    queries = rng.standard_normal((3, 8)).astype(np.float32)
    long = vectors.astype(np.float64)
    cosines = long @ queries.T / np.linalg.norm(long, axis=1)[:, None]
    cosines /= np.linalg.norm(queries, axis=1)
    rows, best, which = nearest(vectors, queries, 10)
    assert rows.tolist() == np.argsort(-cosines.max(1))[:10].tolist()
    np.testing.assert_allclose(best, cosines.max(1)[rows], atol=1e-6)
    assert which.tolist() == cosines.argmax(1)[rows].tolist()


def test_equal_ones_stand_in_order_and_zeros_are_far(monkeypatch):
    monkeypatch.setattr(similar, "BLOCK", 2)
    vectors = np.array([[0, 0], [2, 0], [0, 1], [1, 0], [3, 0]], np.float16)
    rows, best, _ = nearest(vectors, np.array([[5.0, 0]]), 9)
    assert rows.tolist() == [1, 3, 4, 0, 2] and best.tolist() == [1, 1, 1, 0, 0]


def test_nothing_to_compare():
    rows, _, _ = nearest(np.zeros((0, 2), np.float16), np.ones((1, 2)), 3)
    assert not len(rows)
    with pytest.raises(ValueError, match="no query"):
        nearest(np.ones((3, 2)), np.ones((0, 2)), 3)
    with pytest.raises(ValueError, match="expected"):
        nearest(np.ones((3, 2)), np.ones((1, 3)), 3)
