"""A combination on disk: what comes back, and what is refused by name."""

import json
import weakref

import numpy as np
import pytest

from birdml.calibration.calibrate import calibrate
from birdml.calibration.saved import save_calibration
from birdml.dataset.prepared import Dataset
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
from tests.calibration.simulated import simulate
from tests.ensemble.saved import SPECIES, combination, saved_model


def test_what_is_saved_comes_back(tmp_path):
    folder = combination(tmp_path, {"audio": 0.6, "meta": 0.4})
    loaded = load_combination(folder)
    assert loaded.species == SPECIES and loaded.weights.tolist() == [0.6, 0.4]
    assert [model.recipe.family for model, _ in loaded.members] == ["audio", "meta"]
    assert read_lineage(folder)[1][0] == Member("audio", 0.6, "3", "run")
    assert not list(folder.rglob("*.pkl")) and not list(tmp_path.glob(".combination*"))


def test_a_calibration_comes_back_with_it(tmp_path):
    folder = combination(tmp_path, {"meta": 1.0})
    assert load_combination(folder).calibration is None
    logits, present = simulate(np.random.default_rng(0), 200, species=len(SPECIES))
    of = Dataset(None, "made-up", "d1", SPECIES, ())
    save_calibration(folder, calibrate(logits, present, range(200), of)[0])
    found = load_combination(folder).calibration.presence.probabilities(logits)
    assert found.shape == logits.shape and found[present].mean() > found[~present].mean()
    (folder / "calibration.json").write_text("{}")
    with pytest.raises(UserError, match=r"calibration\.json' is no calibration of ours"):
        load_combination(folder)


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


BROKEN = [
    b"",
    b"{",
    b"[" * 100_000,
    b"\xff\xfe{}",
    b"[]",
    b"{}",
    b'{"name": "x"}',
    b'{"name": 3, "members": []}',
    b'{"name": "x", "members": []}',
    b'{"name": "x", "members": [{"name": "../m", "weight": 1.0}]}',
    b'{"name": "x", "members": [{"name": "m", "weight": "1"}]}',
    b'{"name": "x", "members": [{"name": "m", "weight": NaN}]}',
    b'{"name": "x", "members": [{"name": "m", "weight": -1.0}]}',
    None,
]


@pytest.mark.parametrize("content", BROKEN)
@pytest.mark.parametrize("name", ["ensemble.json", "meta/model.json", "meta/weights.safetensors"])
def test_a_broken_file_is_named_in_one_line(tmp_path, content, name):
    folder = combination(tmp_path, {"meta": 1.0})
    (folder / name).unlink()
    if content is None:  # a folder in its place
        (folder / name).mkdir()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}'.* again") as error:
        load_combination(folder)
    assert "\n" not in str(error.value) and len(str(error.value)) < 700


@pytest.mark.parametrize(
    ("key", "value"),
    [("recipe", {"width": "x"}), ("recipe", {"nonsense": 1}), ("species", [["a"]]), ("name", None)],
)
def test_a_model_json_with_wrong_fields_is_named(tmp_path, key, value):
    path = combination(tmp_path, {"audio": 1.0}) / "audio" / "model.json"
    about = json.loads(path.read_text())
    about[key] = about[key] | value if key == "recipe" else value
    path.write_text(json.dumps(about))
    with pytest.raises(UserError, match=r"model\.json' is broken"):
        load_combination(path.parents[1])


def test_weights_that_are_not_finite_are_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    path = combination(tmp_path, {"meta": 1.0}) / "meta" / "weights.safetensors"
    weights = load_file(path)
    next(iter(weights.values())).view(-1)[0] = float("nan")
    save_file(weights, path)
    with pytest.raises(UserError, match=r"weights\.safetensors' holds weights that are not finite"):
        load_combination(path.parents[1])


def test_an_older_combination_is_kept_until_the_new_one_is_whole(tmp_path):
    folder = combination(tmp_path, {"audio": 1.0})
    broken = tmp_path / "models" / "meta"
    saved_model(tmp_path / "models", "meta")
    (broken / "model.json").unlink()
    with pytest.raises(UserError):
        save_combination(folder, "e", [Member("meta", 1.0)], [broken])
    assert load_combination(folder).lineage[0].name == "audio"


def test_members_are_summed_one_at_a_time():
    alive = []

    def members():
        for _ in range(4):
            alive.append(weakref.ref(made := np.ones(3, np.float32)))
            yield made
            del made
            assert sum(one() is not None for one in alive) <= 1

    assert combine(members(), [1, 2, 3, 4]).tolist() == [10, 10, 10]


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
