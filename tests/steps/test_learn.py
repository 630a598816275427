"""`learn`: few recordings of each species, drawn again and again."""

import csv

import pytest

from birdml.errors import UserError
from birdml.steps.learn import LearnOptions, learn
from birdml.steps.learning_curve import largest, with_few
from tests.datasets import make_dataset

QUICK = "hidden=[8,8] epoch_steps=5 epochs=1"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("made") / "tiny", audio=False)


def kept(dataset, count, draw):
    return {r.file for r in with_few(dataset, count, draw).split("train")}


def test_a_draw_keeps_so_many_of_each_species_and_more_hold_the_fewer(dataset):
    assert largest(dataset) == 8
    for count in (1, 3, 8):
        few = with_few(dataset, count, 0)
        train = few.split("train")
        assert [sum(r.species == f"sp{i}" for r in train) for i in range(3)] == [count] * 3
        assert few.split("valid") == dataset.split("valid") and few.digest == dataset.digest
    assert kept(dataset, 1, 0) < kept(dataset, 3, 0) < kept(dataset, 8, 0)
    assert kept(dataset, 3, 0) != kept(dataset, 3, 1)


def asked(dataset, tmp_path, models="meta1,meta3", **options):
    return LearnOptions(
        models, str(dataset.folder), set=QUICK, out=str(tmp_path / "learn.csv"),
        **{"counts": "1,4,64", "draws": 2} | options,
    )  # fmt: skip


def rows(tmp_path):
    with open(tmp_path / "learn.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_there_is_a_row_for_each_training_and_a_picture(dataset, tmp_path, capsys):
    learn(asked(dataset, tmp_path))
    found = rows(tmp_path)
    assert len(found) == 2 * 3 * 2
    assert {row["count"] for row in found} == {"1", "4", "8"}  # 64 stands for all there are
    assert {row["recordings"] for row in found} == {"3", "12", "24"}
    assert all(0 < float(row["map"]) <= 1 for row in found)
    assert (tmp_path / "learn.png").stat().st_size > 5000
    head, line = capsys.readouterr().out.splitlines()[:2]
    assert head.startswith("recordings of a species  ") and line.startswith("meta1  ")
    assert len(head.split()) - 3 == len(line.split()) and len(head) == len(line)


def test_what_is_there_is_not_done_again_and_others_are_added(dataset, tmp_path, monkeypatch):
    learn(asked(dataset, tmp_path, "meta1"))
    before = rows(tmp_path)
    import birdml.steps.learning_curve as curve

    done, real = [], curve.figures_of
    monkeypatch.setattr(
        curve, "figures_of", lambda recipe, *a: done.append(recipe.name) or real(recipe, *a)
    )
    learn(asked(dataset, tmp_path))
    assert set(done) == {"meta3"} and rows(tmp_path)[: len(before)] == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts": "1,two"}, "counts='1,two'"),
        ({"counts": "0"}, "whole numbers from 1"),
        ({"models": "meta8"}, "built from other models"),
        ({"models": "metta1"}, "did you mean"),
    ],
)
def test_what_cannot_be_learned_is_refused(dataset, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        learn(asked(dataset, tmp_path, **options))


def test_another_table_is_not_overwritten(dataset, tmp_path):
    (tmp_path / "learn.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="is no table of learn"):
        learn(asked(dataset, tmp_path))
