"""Errors of a tracking store, in one line that says what to do."""

import os
import sqlite3

import pytest
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from birdml.errors import UserError
from birdml.tracking import experiments, own_runs, store
from birdml.tracking import retry as retrying
from birdml.tracking.client import Store
from birdml.tracking.faults import in_words
from birdml.tracking.retry import at_once, retry

URI = "postgresql://ada:secret@db.example.org/birds"
READ_ONLY = OperationalError(
    "INSERT INTO runs VALUES (?)",
    {"name": "x" * 5000},
    sqlite3.OperationalError("attempt to write a readonly database"),
)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (READ_ONLY, "can't be written"),
        (MlflowException("The experiment 3 must be in the 'active' state"), "experiment is delet"),
        (MlflowException("Run with id=deadbeef not found"), "a run is gone.*deadbeef"),
        (MlflowException("No such artifact: ''"), "was the store, or a part of it, moved"),
        (MlflowException("Detected out-of-date database schema (found version x)"), "db upgrade"),
        (MlflowException("Max retries exceeded with url: /api"), "does not answer: start it"),
        (ModuleNotFoundError("No module named 'psycopg'", name="psycopg"), r"birdml\[server\]"),
        (ModuleNotFoundError("No module named 'pymysql'", name="pymysql"), "install pymysql"),
    ],
)
def test_what_a_user_can_mend_is_one_short_line_without_secrets(error, said):
    text = in_words(error, URI)
    assert text is not None
    import re

    assert re.search(said, text), text
    assert "secret" not in text and "\n" not in text and len(text) < 400


@pytest.mark.parametrize(
    "error",
    [
        ValueError("ours"),
        MlflowException("what is this"),
        ModuleNotFoundError("x", name="birdml.x"),
    ],
)
def test_other_errors_are_faults_of_ours_and_keep_their_traceback(error):
    assert in_words(error, URI) is None


def test_a_driver_that_is_missing_is_named(monkeypatch):
    import mlflow

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri("mysql://ada:secret@127.0.0.1:1/birds")
    try:
        with pytest.raises(UserError, match="needs a driver: pip install") as error:
            store.connect()
        assert "secret" not in str(error.value)
    finally:
        mlflow.set_tracking_uri(before)


def test_an_experiment_that_is_gone_is_said_before_any_work(client, monkeypatch):
    made = client.create_experiment("mine")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "987654")
    with pytest.raises(UserError, match="987654, which is not in this store"):
        experiments.check_place(client)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", made)
    experiments.check_place(client)
    client.delete_experiment(made)
    with pytest.raises(UserError, match="which is deleted"):
        experiments.check_place(client)


def test_a_place_for_artifacts_that_cannot_be_written_is_said_before_any_work(
    client, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    client.create_experiment("full", artifact_location=f"file://{tmp_path}/file/artifacts")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "full")
    with pytest.raises(UserError, match="artifacts can't be written to"):
        experiments.check_place(client)


def test_a_relative_address_under_mlflow_run_is_refused_and_no_second_store_is_made(
    tmp_path, monkeypatch
):
    import mlflow

    before = mlflow.get_tracking_uri()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_RUN_ID", "opened-elsewhere")
    mlflow.set_tracking_uri("sqlite:///my.db")
    try:
        with pytest.raises(UserError, match="give an absolute address"):
            store.connect()
    finally:
        mlflow.set_tracking_uri(before)
    assert os.listdir(tmp_path) == []


def test_requests_wait_for_a_store_that_is_away_but_not_in_blocks_that_say_at_once(
    client, monkeypatch, caplog
):
    waited = []
    monkeypatch.setattr(retrying.time, "sleep", waited.append)
    asked = []

    class Flaky:
        def search_experiments(self, **_):
            asked.append(1)
            if len(asked) % 3:
                raise MlflowException("API request failed: Max retries exceeded")
            return "there"

    one = Store(client.tracking_uri)
    monkeypatch.setattr(
        type(one).__mro__[1], "search_experiments", lambda self, **_: Flaky().search_experiments()
    )
    assert one.search_experiments() == "there"
    assert waited == [1.0, 2.0] and caplog.text.count("waiting") == 1
    with at_once(), pytest.raises(MlflowException, match="Max retries"):
        one.search_experiments()
    assert len(waited) == 2, "nobody waited"
    asked.clear()
    assert retry(one.search_experiments) == "there"
    assert waited[2:] == [1.0, 2.0], "the outer one waits, once"


def test_a_users_name_of_a_run_stays_and_a_random_one_gives_way(client, monkeypatch):
    experiment = experiments.experiment_id(client)
    for given, kept in (("my best try", "my best try"), ("nimble-fox-123", "meta3")):
        run = client.create_run(experiment, run_name=given)
        monkeypatch.setenv("MLFLOW_RUN_ID", run.info.run_id)
        assert own_runs.open_run(client, "meta3", {}) == run.info.run_id
        assert client.get_run(run.info.run_id).info.run_name == kept


def test_how_a_command_ended_is_not_written_over_a_model(client, monkeypatch):
    experiment = experiments.experiment_id(client)
    run_id = client.create_run(experiment).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    own_runs.open_run(client, "meta3", {"birdml.model": "meta3", "birdml.family": "meta"})
    own_runs.describe_handed_run("train (failed)", "why", client, unless_named=True)
    run = client.get_run(run_id)
    assert run.info.run_name == "meta3" and run.data.tags["birdml.family"] == "meta"
