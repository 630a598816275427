"""Every piece of the line against plain scores in its middle."""

import numpy as np
import pytest

from birdml.ensemble.line_search import line_search
from birdml.ensemble.objective import Objective
from birdml.scoring import score
from tests.ensemble.arrays import made_up

LARGEST = 3.0


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_every_piece_is_exact(ties, seed):
    objective = made_up(3, 25, 14, seed, ties)
    base, direction = objective.logits[1] + objective.logits[2], objective.logits[0]
    pieces = line_search(objective, base, direction, LARGEST)
    widths = np.diff(pieces.edges)
    assert (widths >= 0).all() and pieces.edges[0] == 0 and pieces.edges[-1] == LARGEST
    checked = 0
    for piece in np.flatnonzero(widths > 1e-5):
        middle = pieces.edges[piece : piece + 2].mean()
        scores = base.astype(np.float64) + middle * direction.astype(np.float64)
        expected = score(scores, objective.foreground, objective.present)
        assert pieces.map[piece] == pytest.approx(expected["map"], abs=1e-12)
        assert pieces.map_bg[piece] == pytest.approx(expected["map_bg"], abs=1e-12)
        checked += 1
    assert checked > (5 if ties else 30)


def test_values_at_weights():
    objective = made_up(2, 200, 30)
    base, direction = objective.logits
    pieces = line_search(objective, base, direction, LARGEST)
    weights = np.linspace(0.01, 2.9, 40)
    found = pieces.at(weights)
    for weight, reciprocal, precision in zip(weights, *found):
        expected = score(base + weight * direction, objective.foreground, objective.present)
        assert (reciprocal, precision) == pytest.approx((expected["map"], expected["map_bg"]))


def test_best_is_no_worse_than_any_grid_point():
    objective = made_up(2, 80, 25)
    base, direction = objective.logits
    place, value = line_search(objective, base, direction, LARGEST).best("fg")
    grid = []
    for weight in np.linspace(0, LARGEST, 200):
        scores = base + weight * direction
        grid.append(score(scores, objective.foreground, objective.present)["map"])
    assert value >= max(grid) - 1e-12
    reached = score(base + place * direction, objective.foreground, objective.present)["map"]
    assert reached == pytest.approx(value, abs=1e-12)


def test_a_useless_direction_ends_at_zero():
    objective = made_up(1, 50, 12)
    answer = 5.0 * objective.present.astype(np.float32)
    noise = np.random.default_rng(0).standard_normal(answer.shape).astype(np.float32)
    place, _ = line_search(objective, answer, noise, 10.0).best("bg")
    assert place == 0.0


def test_classes_equal_for_ever_stand_in_label_order():
    logits = np.zeros((1, 1, 4), np.float32)
    objective = Objective.of_all(logits, np.array([2]), np.eye(4, dtype=bool)[[2]])
    pieces = line_search(objective, logits[0], logits[0], 1.0)
    assert len(pieces.map) == 1 and pieces.map[0] == pytest.approx(1 / 3)
