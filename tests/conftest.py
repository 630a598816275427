"""A tracking store of its own for each test that asks for one."""

import contextlib
import shutil

import pytest


@pytest.fixture(scope="session")
def fresh_store(tmp_path_factory):
    """A SQLite store with nothing in it, made once: creating its tables takes seconds."""
    mlflow = pytest.importorskip("mlflow")
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    with contextlib.chdir(path.parent):  # where its first experiment's artifacts will lie
        mlflow.MlflowClient(f"sqlite:///{path}").search_experiments(max_results=1)
    return path


@pytest.fixture
def client(tmp_path, monkeypatch, fresh_store):
    """A client of a store in `tmp_path`, which is also the working folder of the test."""
    import mlflow

    from birdml.tracking.store import connect

    before = mlflow.get_tracking_uri()
    shutil.copy(fresh_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.setenv(name, "")  # so that it is put back to nothing afterwards
        monkeypatch.delenv(name)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    yield connect()
    mlflow.set_tracking_uri(before)
