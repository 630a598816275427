"""Each strategy: what it reaches, that it repeats, and that it leaves no rubbish behind."""

import numpy as np
import pytest

from birdml.ensemble import objective as objective_module
from birdml.ensemble.contributions import contributions
from birdml.ensemble.crossfit import crossfit, tenths_won
from birdml.ensemble.objective import criterion_of
from birdml.ensemble.search import STRATEGIES, search
from birdml.ensemble.tpe import tpe
from tests.ensemble.arrays import made_up
from tests.ensemble.test_objective import golden_objective
from tests.golden import load_json


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_reported_value_is_that_of_the_weights(strategy):
    objective = made_up(4, 60, 20)
    trials = search(objective, strategy, evaluations=40)
    weights, best = trials.best
    assert trials.steps[-1] == "result" and (weights >= 0).all()
    assert trials.weights[-1].sum() == pytest.approx(1)
    assert objective.value(trials.weights[-1]) == pytest.approx(best, abs=1e-9)
    assert best >= max(objective.value(one) for one in [*np.eye(4), np.ones(4)]) - 1e-9


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_same_seed_same_weights_on_any_number_of_threads(strategy, monkeypatch):
    objective = made_up(3, 300, 400)
    results = []
    for threads in (1, 3):
        monkeypatch.setattr(objective_module, "THREADS", threads)
        results.append(search(objective, strategy, evaluations=25, quick=True).weights[-1])
    assert np.array_equal(*results)


def test_ascent_improves_what_hyperopt_found():
    objective = made_up(5, 80, 25)
    plain = search(objective, "hyperopt", evaluations=30, refine=False)
    refined = search(objective, "hyperopt", evaluations=30)
    assert set(plain.steps) == {"search", "result"}
    assert refined.best[1] > plain.best[1]


def test_tpe_finds_more_than_chance():
    goal = np.linspace(0.1, 0.9, 6)

    def value(weights):
        return -float(((weights - goal) ** 2).sum())

    for kind, at_least in (("uniform", 20), ("zero", 10), ("log", 10)):
        rng = np.random.default_rng(0)
        weights, values = tpe(value, 6, 100, kind, rng)
        assert weights.shape == (100, 6) and (weights >= 0).all() and (weights <= 1).all()
        later, first = values[-30:].mean(), values[:at_least].mean()
        assert values[20:].max() > values[:20].max() and later > first
    assert (tpe(value, 6, 30, "zero", np.random.default_rng(1))[0] == 0).any()
    assert (tpe(value, 6, 30, "log", np.random.default_rng(1))[0] > 0).all()


def test_crossfit_flatters_less():
    objective = made_up(8, 60, 40)
    best = search(objective, "ascent").best[1]
    found = crossfit(objective, "ascent", "fg+bg", 100, 1, True)
    assert found is not None
    assert found.map + found.map_bg < best
    assert objective.means(found.terms) == (found.map, found.map_bg)
    assert crossfit(made_up(2, 4, 5), "ascent", "fg+bg", 10, 1, True) is None


def test_no_fold_is_scored_with_weights_that_it_had_a_part_in(monkeypatch):
    from birdml.ensemble import crossfit as module

    searched, scored = [], []
    objective = made_up(3, 23, 10)

    def spy(others, *args, **kwargs):
        searched.append(others.chosen.copy())
        return search(others, *args, **kwargs)

    terms = type(objective).terms

    def spy_terms(self, weights):
        if len(scored) < len(searched) and not (self.chosen & searched[-1]).any():
            scored.append(self.chosen.copy())
        return terms(self, weights)

    monkeypatch.setattr(module, "search", spy)
    monkeypatch.setattr(type(objective), "terms", spy_terms)
    assert crossfit(objective, "ascent", "fg+bg", 10, 1, True) is not None
    assert len(searched) == len(scored) == module.FOLDS
    for learnt, judged in zip(searched, scored):
        assert np.array_equal(learnt, ~judged)  # all others, and none of its own
    assert np.array_equal(np.sum(scored, axis=0), np.ones(23))


def test_no_weight_above_zero_is_minus_infinity():
    objective = made_up(1, 20, 10)
    assert objective.value([0.0]) == -np.inf
    trials = search(objective, "hyperopt_zero", evaluations=20)
    assert -np.inf in trials.values and not np.isnan(trials.values).any()
    assert trials.best[1] == objective.value([1.0])


def test_tenths_won():
    objective = made_up(2, 200, 20)
    good, bad = objective.terms([1, 1]), objective.terms_of(-objective.logits[0])
    assert tenths_won(good, bad, "fg+bg") == 50
    assert tenths_won(bad, good, "fg+bg") == 0
    assert tenths_won(good, good, "fg") == 0


def test_contributions_tell_what_a_member_is_worth():
    objective = made_up(3, 100, 20)
    objective.logits[1] *= 10  # of another scale: a tenth of the weight is the same share
    weights = np.array([1.0, 0.1, 0.0])
    found = contributions(objective, weights, ["a", "b", "c"], ["audio", "meta", "meta"], "fg")
    assert {c.name for c in found} == {"a", "b"}
    assert sum(c.share for c in found) == pytest.approx(1)
    first, last = found
    assert last.so_far == pytest.approx(objective.value(weights, "fg"))
    assert first.so_far == first.alone
    assert last.without == pytest.approx(first.alone)


def test_golden_quality_of_every_strategy():
    for case in load_json("blender.json")["cases"]:
        options = dict(option.lstrip("-").split("=") for option in case["options"] if "=" in option)
        criterion = options.get("criterion", "fg+bg")
        objective = golden_objective("--softmax" in case["options"])
        reached = case["printed_weights_score"]
        goal = criterion_of((reached["map"], reached["map-bg"]), criterion)
        trials = search(objective, case["strategy"], criterion, evaluations=100)
        assert trials.best[1] >= goal - 1e-9, case["strategy"]
