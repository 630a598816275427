"""What is said where Ray is not there, or where machines cannot share what they need to."""

import sys

import pytest

from birdml.errors import UserError
from birdml.jobs.ray_cluster import check_shared, gpus_of, train_on_ray
from birdml.jobs.request import TrainOptions
from birdml.zoo.load import load_zoo


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
