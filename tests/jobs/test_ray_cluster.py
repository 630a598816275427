"""What a task of a cluster does, and what is said where Ray is not there, or where machines cannot
share what they need to. The cluster itself is in tests/services."""

import sys
from dataclasses import replace

import pytest

from birdml.errors import UserError
from birdml.jobs.ray_cluster import (
    TrainTask,
    _environment,
    _look_around,
    _train_one,
    check_shared,
    gpus_of,
    train_on_ray,
)
from birdml.jobs.request import TrainOptions, prepare_request
from birdml.tracking.runs import finished_run
from birdml.training.zoo_run import Outcome
from birdml.zoo.load import load_zoo
from tests.datasets import make_dataset


@pytest.fixture
def task(client, tmp_path):
    """A metadata model and the one that it learns from, as a task is handed them."""
    dataset = make_dataset(tmp_path / "tiny", audio=False)
    quick = "hidden=[8,8] epoch_steps=5 epochs=1"
    request = prepare_request(TrainOptions("meta8,meta3", str(dataset.folder), set=quick))
    return TrainTask(
        str(dataset.folder),
        dataset.digest,
        request.recipes,
        request.identities,
        0,
        "cpu",
        _environment(),
    )


def test_a_task_trains_and_registers_its_model_unless_it_is_there(client, task):
    assert task.recipes["meta8"].needs == ("meta3",)
    needed = _train_one(task, "meta3")
    assert needed == ("meta3", Outcome("finished"))
    assert _train_one(task, "meta8", needed) == ("meta8", Outcome("finished"))
    assert _train_one(task, "meta8", needed) == ("meta8", Outcome("there"))
    for name in ("meta3", "meta8"):
        found = finished_run(client, task.identities[name])
        assert found is not None and found.model_version == "1"


def test_a_task_whose_needs_failed_is_blocked_and_one_that_is_refused_has_failed(task):
    broken = ("meta3", Outcome("failed", "no memory"))
    assert _train_one(task, "meta8", broken)[1] == Outcome("blocked", "needs meta3")
    name, outcome = _train_one(replace(task, dataset="/nowhere"), "meta3")
    assert (name, outcome.state) == ("meta3", "failed") and "/nowhere" in outcome.reason


def test_a_machine_says_what_it_does_not_see(task):
    assert not _look_around(task, "node").problem
    assert "another dataset lies at" in _look_around(replace(task, digest="0"), "node").problem
    assert "/nowhere" in _look_around(replace(task, dataset="/nowhere"), "node").problem


def test_without_ray_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install birdml\[ray\]"):
        train_on_ray(TrainOptions("meta3", "data", executor="ray"), None, None, None)


def test_several_machines_need_a_tracking_server():
    check_shared("sqlite:////here/mlflow.db", {"one"})
    check_shared("https://mlflow.example.org", {"one", "two"})
    for uri in ("sqlite:////here/mlflow.db", "file:///here/mlruns", "mlruns"):
        with pytest.raises(UserError, match=r"2 machines.*mlflow server"):
            check_shared(uri, {"one", "two"})


def test_only_models_that_listen_take_a_part_of_a_gpu():
    zoo = load_zoo()
    taking = {name for name, recipe in zoo.items() if gpus_of(recipe, 0.25)}
    assert taking == {name for name in zoo if name.startswith(("audio", "combined"))}
    assert gpus_of(zoo["audio1"], 1.0) == 1.0
