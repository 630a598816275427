"""What is said where Ray is not there, or where machines cannot share what they need to."""

import sys

import pytest

from birdml.errors import UserError
from birdml.steps.ray_cluster import check_shared, train_on_ray
from birdml.steps.train import TrainOptions


def test_without_ray_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install birdml\[ray\]"):
        train_on_ray(TrainOptions("meta3", "data", executor="ray"), None)


def test_several_machines_need_a_tracking_server():
    check_shared("sqlite:////here/mlflow.db", {"one"})
    check_shared("https://mlflow.example.org", {"one", "two"})
    for uri in ("sqlite:////here/mlflow.db", "file:///here/mlruns", "mlruns"):
        with pytest.raises(UserError, match=r"2 machines.*mlflow server"):
            check_shared(uri, {"one", "two"})
