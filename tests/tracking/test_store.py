"""The store: which experiment, which run, and what is said when nobody answers."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from birdml.errors import UserError
from birdml.tracking import arrays, experiments, own_runs, store
from birdml.tracking.handed import handed_run


def test_runs_go_to_the_experiment_birdml_or_the_users_own(client, monkeypatch):
    experiment = client.get_experiment(experiments.experiment_id(client))
    assert experiment.name == "birdml"
    assert experiment.tags["mlflow.note.content"]
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    assert client.get_experiment(experiments.experiment_id(client)).name == "mine"


def test_a_run_ends_as_what_happened_in_it(client):
    with own_runs.own_run(client, "good", {"birdml.model": "x"}) as good:
        assert client.get_run(good).info.status == "RUNNING"
    assert client.get_run(good).info.status == "FINISHED"
    with pytest.raises(RuntimeError), own_runs.own_run(client, "bad", {}) as bad:
        raise RuntimeError
    assert client.get_run(bad).info.status == "FAILED"
    with pytest.raises(KeyboardInterrupt), own_runs.own_run(client, "cut", {}) as cut:
        raise KeyboardInterrupt
    assert client.get_run(cut).info.status == "KILLED"


def test_the_run_that_mlflow_run_opened_is_the_one_used_or_says_why_not(client, monkeypatch):
    handed = client.create_run(experiments.experiment_id(client)).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", handed)
    with own_runs.own_run(client, "meta3", {"birdml.model": "meta3"}) as run_id:
        assert run_id == handed
    run = client.get_run(handed)
    assert (run.info.run_name, run.data.tags["birdml.model"]) == ("meta3", "meta3")
    own_runs.describe_handed_run("said", "why", client)
    assert client.get_run(handed).info.run_name == "said"
    assert handed_run() is None
    after = client.get_run(own_runs.open_run(client, "next", {}))
    assert after.info.run_id != handed
    assert after.info.experiment_id == run.info.experiment_id


def test_a_server_that_does_not_answer_is_one_line(client, monkeypatch):
    import mlflow

    mlflow.set_tracking_uri("http://user:secret@127.0.0.1:9")
    with pytest.raises(UserError, match="does not answer") as caught:
        store.connect()
    assert "secret" not in str(caught.value)


def test_arrays_come_back_as_they_went(client):
    with own_runs.own_run(client, "meta3", {}) as run_id:
        logits = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
        files = ["train/a.wav", "b, c.wav", 'd "e".wav']
        arrays.log_predictions(client, run_id, "valid", files, logits)
        starts = np.array([0.0, 5.0, 0.0])
        arrays.log_predictions(client, run_id, "soundscapes_val", files, logits, starts)
        assert arrays.load_predictions(client, run_id, "test") is None
    back = arrays.load_predictions(client, run_id, "valid")
    assert back.files == files and back.starts is None
    assert np.array_equal(back.logits, logits)
    assert isinstance(back.logits, np.memmap)
    windows = arrays.load_predictions(client, run_id, "soundscapes_val")
    assert np.array_equal(windows.starts, starts)
    with pytest.raises(ValueError, match="3 rows"):
        arrays.log_predictions(client, run_id, "test", ["a"], logits)


def test_a_database_whose_making_was_killed_is_made_anew(client, tmp_path):
    """The tables are made in many steps; MLflow cannot go on in the middle of them."""
    folder = tmp_path / "fresh"
    folder.mkdir()
    uri = f"sqlite:///{folder}/mlflow.db"
    code = "from birdml.tracking.store import connect; connect()"
    command = [sys.executable, "-c", code]
    environment = os.environ | {"MLFLOW_TRACKING_URI": uri}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    def tables():
        count = 0
        for path in folder.glob("mlflow.db*"):
            with contextlib.suppress(sqlite3.Error):
                database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
                with contextlib.closing(database):
                    found = database.execute("select count(*) from sqlite_master").fetchone()
                    count = max(count, found[0])
        return count

    while tables() < 60:  # of about 150, with indices
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    subprocess.run(command, env=environment, check=True)
    assert [path.name for path in folder.iterdir()] == ["mlflow.db"]
