"""When a training waits, goes back, and ends: by the sequence of its criterion."""

import pytest

from birdml.training.patience import Patience


@pytest.mark.parametrize(
    ("epochs", "trials", "criteria", "verdicts"),
    [
        (2, 2, [5, 6, 6, 4, 4, 4], "better worse back better worse end"),
        (2, 2, [5, 6, 6, 6, 6], "better worse back worse end"),
        (1, 3, [5, 6, 7, 8], "better back back end"),
        (3, 1, [5, 4, 6, 6, 3, 6, 6, 6], "better better worse worse better worse worse end"),
    ],
)
def test_a_trial_is_over_after_so_many_epochs_without_a_better_one(
    epochs, trials, criteria, verdicts
):
    patience = Patience(epochs, trials)
    assert [patience.judge(float(c)) for c in criteria] == verdicts.split()


def test_an_equal_criterion_is_no_better_one():
    patience = Patience(5, 1)
    assert [patience.judge(c) for c in (1.0, 1.0, 0.999)] == ["better", "worse", "better"]
