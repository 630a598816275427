"""A combination on disk: what comes back, and what is refused by name."""

import json

import numpy as np
import pytest

from birdml.dataset.recording import Species
from birdml.ensemble.combination import (
    Member,
    combine,
    load_combination,
    read_lineage,
    save_combination,
    usable_weights,
)
from birdml.errors import UserError
from tests.ensemble.saved import SPECIES, combination, saved_model


def test_what_is_saved_comes_back(tmp_path):
    folder = combination(tmp_path, {"audio": 0.6, "meta": 0.4})
    loaded = load_combination(folder)
    assert loaded.species == SPECIES and loaded.weights.tolist() == [0.6, 0.4]
    assert [model.recipe.family for model, _ in loaded.members] == ["audio", "meta"]
    assert read_lineage(folder)[1][0] == Member("audio", 0.6, "3", "run")
    assert not list(folder.rglob("*.pkl")) and not list(tmp_path.glob(".combination*"))


def test_members_of_weight_zero_are_left_out(tmp_path):
    folder = combination(tmp_path, {"audio": 1.0, "meta": 0.0})
    assert [m.name for m in read_lineage(folder)[1]] == ["audio"]
    assert not (folder / "meta").exists()


@pytest.mark.parametrize("weights", [(0.0, 0.0), (1.0, -0.5), (1.0, float("nan"))])
def test_impossible_weights_are_refused(tmp_path, weights):
    with pytest.raises(UserError, match="weights"):
        combination(tmp_path, dict(zip(("audio", "meta"), weights)))


@pytest.mark.parametrize(
    ("change", "said"),
    [({"digest": "d2"}, "dataset made-up"), ({"species": SPECIES[::-1]}, "other label set")],
)
def test_a_member_of_another_dataset_is_refused_by_name(tmp_path, change, said):
    ours, theirs = saved_model(tmp_path, "audio"), saved_model(tmp_path, "meta", **change)
    members = [Member("audio", 1.0), Member("meta", 1.0)]
    with pytest.raises(UserError, match=rf"than audio: meta \({said}\)"):
        save_combination(tmp_path / "c", "e", members, [ours, theirs])
    assert not (tmp_path / "c").exists()


def test_no_combination_is_said(tmp_path):
    with pytest.raises(UserError, match="no model of birdml"):
        load_combination(tmp_path)
    (tmp_path / "ensemble.json").write_text(json.dumps({"name": "x"}))
    with pytest.raises(UserError, match="no model of birdml"):
        read_lineage(tmp_path)


def test_combine_is_the_weighted_sum():
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((3, 4, 5)).astype(np.float32)
    weights = [0.5, 0.2, 0.3]
    found = combine(logits, weights)
    assert found.dtype == np.float32
    assert found == pytest.approx(np.tensordot(weights, logits.astype(np.float64), 1), rel=1e-6)


def test_weights_of_those_who_answer_grow_to_the_same_sum():
    assert usable_weights([1, 2, 3], [True, False, True]).tolist() == [1.5, 0, 4.5]
    with pytest.raises(UserError):
        usable_weights([1, 0], [False, True])


def test_other_species_are_no_small_difference(tmp_path):
    other = (*SPECIES[:-1], Species("c6", "Avis altera"))
    ours, theirs = saved_model(tmp_path, "audio"), saved_model(tmp_path, "meta", species=other)
    with pytest.raises(UserError, match="meta"):
        save_combination(
            tmp_path / "c", "e", [Member("audio", 1.0), Member("meta", 1.0)], [ours, theirs]
        )
