"""The rows of an encoder's output layer that belong to the species of a dataset."""

import numpy as np
import pytest

from birdml.encoders.own_rows import ABSENT, own_rows, warm_start
from birdml.training.head_fits import fit_linear

LABELS = ("Turdus merula_Blackbird", "Turdus pilaris_Fieldfare", "Parus major_Great Tit", "Dog_Dog")


def test_rows_of_the_encoder_are_found_by_latin_name_synonym_and_genus():
    weights = np.arange(8, dtype=np.float32).reshape(4, 2)
    bias = np.array([1, 3, 5, 7], np.float32)
    names = ["Turdus merula", "Turdus viscivorus", "Cyanistes major", "Pica pica", ""]
    own = own_rows(names, LABELS, (weights, bias), {"Cyanistes major": "Parus major"})
    assert own.known == (LABELS[0], "congeners", LABELS[2], "", "")
    assert own.unknown == (3, 4)
    np.testing.assert_array_equal(own.weights[:3], [[0, 1], [1, 2], [4, 5]])
    np.testing.assert_array_equal(own.bias, [1, 2, 5, ABSENT, ABSENT])
    assert not own.weights[3:].any()
    start_weights, start_bias = warm_start(own)
    np.testing.assert_allclose(start_weights[3], own.weights[:3].mean(0))
    assert start_bias[4] == pytest.approx(8 / 3)


def test_a_warm_head_of_an_encoder_that_knows_nothing_is_a_cold_one():
    rows = np.random.default_rng(0).normal(size=(30, 8))
    targets = np.eye(3)[np.arange(30) % 3]
    own = own_rows(["Pica pica", "", ""], LABELS, (np.ones((4, 8)), np.ones(4)))
    warm, cold = fit_linear(rows, targets, 0.1, warm_start(own)), fit_linear(rows, targets, 0.1)
    np.testing.assert_array_equal(warm.weights, cold.weights)
