"""A store as people leave it: versions deleted and made anew, run ids left over, tags removed."""

import contextlib

import pytest
from mlflow.exceptions import MlflowException

from birdml.errors import UserError
from birdml.tracking import registry, runs, store
from birdml.tracking.champions import champions
from birdml.tracking.recorder import RunRecorder
from birdml.tracking.retry import is_away, retry

FIGURES = {"map": 0.5, "map_bg": 0.4, "top1": 0.3}


@pytest.fixture
def experiment(client):
    return client.create_experiment("birdml")


def finished(client, experiment, model="meta3", family="meta", version="1", identity="i1"):
    """A finished run of a model that says it is registered."""
    tags = {
        "birdml.model": model,
        "birdml.family": family,
        "birdml.identity": identity,
        "birdml.dataset_digest": "d1",
        "birdml.model_version": version,
    }
    run = client.create_run(experiment, tags=tags)
    for key, value in FIGURES.items():
        client.log_metric(run.info.run_id, key, value)
    client.set_terminated(run.info.run_id, "FINISHED")
    return client.get_run(run.info.run_id)


def registered(client, run, name="birdml-meta3"):
    with contextlib.suppress(MlflowException):  # it is there already
        client.create_registered_model(name)
    source = client.create_logged_model(run.info.experiment_id, source_run_id=run.info.run_id)
    return client.create_model_version(name, source.model_uri, run_id=run.info.run_id)


def test_a_version_is_found_by_its_run(client, experiment):
    run = finished(client, experiment)
    assert registered(client, run).version == 1
    assert registry.version_of(client, run) == "1"
    assert runs.finished_run(client, "i1").model_version == "1"


def test_a_number_that_another_run_has_now_is_not_taken_for_it(client, experiment):
    run = finished(client, experiment, model="birdml-ensemble", family="ensemble")
    registered(client, run, "birdml-ensemble")
    for model in client.search_logged_models([experiment]):
        client.delete_logged_model(model.model_id)
    client.delete_registered_model("birdml-ensemble")
    other = finished(client, experiment, "birdml-ensemble", "ensemble", identity="i2")
    assert registered(client, other, "birdml-ensemble").version == 1
    assert registry.version_of(client, run) == ""
    assert runs.finished_run(client, "i1") is None, "it has to be made anew"
    assert runs.finished_run(client, "i2").model_version == "1"


def test_what_the_registry_lost_is_registered_again_from_its_run(client, experiment, caplog):
    caplog.set_level("INFO")
    run = finished(client, experiment)
    registered(client, run)
    client.delete_registered_model("birdml-meta3")
    assert registry.version_of(client, run) == "1"
    assert "registered again from its run" in caplog.text
    caplog.clear()
    version = client.get_model_version_by_alias("birdml-meta3", "champion")
    assert version.run_id == run.info.run_id
    assert registry.version_of(client, run) == "1"
    assert "birdml" not in {record.name.split(".")[0] for record in caplog.records}


def test_a_run_that_lost_its_name_is_passed_over_and_that_is_said(client, experiment, caplog):
    run = finished(client, experiment)
    registered(client, run)
    other = finished(client, experiment, "meta4", identity="i2")
    registered(client, other, "birdml-meta4")
    client.delete_tag(run.info.run_id, "birdml.model")
    assert [m.name for m in champions(client, "d1")] == ["meta4"]
    assert f"run {run.info.run_id} has lost its tag" in caplog.text


def test_a_run_id_that_was_left_over_is_refused(client, experiment, monkeypatch):
    run = finished(client, experiment)
    for run_id, what in ((run.info.run_id, "is finished"), ("deadbeef", "is not in this store")):
        monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
        with pytest.raises(UserError, match=f"{what}: unset MLFLOW_RUN_ID"):
            store.connect()
    assert client.get_run(run.info.run_id).data.tags["birdml.model"] == "meta3"
    taken = client.create_run(experiment, tags={"birdml.model": "meta5"}).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", taken)
    with pytest.raises(UserError, match="belongs to meta5"):
        store.connect()
    fresh = client.create_run(experiment).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", fresh)
    store.connect()
    client.set_tag(fresh, "birdml.model", "meta3")  # by this process, which goes on with it
    store.connect()


@pytest.mark.parametrize(
    ("text", "away"),
    [
        ("API request failed: HTTPConnectionPool(...): Max retries exceeded with url", True),
        ("API request to endpoint /api failed with error code 503 != 200", True),
        ("(sqlite3.OperationalError) database is locked", True),
        ("API request to endpoint /api failed with error code 500 != 200", False),
        ("(sqlite3.OperationalError) attempt to write a readonly database", False),
        ("(sqlite3.OperationalError) no such column: runs.x", False),
        ("No space left on device", False),
        ("Could not find a registered artifact repository for: s4://x", False),
    ],
)
def test_only_what_passes_by_waiting_is_waited_for(text, away):
    assert is_away(MlflowException(text)) == away


def test_waiting_is_said_once_and_other_faults_end_at_once(monkeypatch, caplog):
    monkeypatch.setattr("birdml.tracking.retry.time.sleep", lambda seconds: None)
    failures = [ConnectionError("no"), ConnectionError("no"), ConnectionError("no")]

    def action():
        if failures:
            raise failures.pop()
        return "done"

    assert retry(action) == "done"
    assert caplog.text.count("does not answer: waiting") == 1
    failures.append(OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space"):
        retry(action)


def test_a_checkpoint_that_cannot_be_read_begins_the_training_afresh(client, experiment, caplog):
    run_id = client.create_run(experiment).info.run_id
    client.log_metric(run_id, "train_loss", 2.0, step=1)
    client.set_tag(run_id, "birdml.checkpoint", "epoch-1.safetensors")
    recorder = RunRecorder(client, run_id)
    assert recorder.resume() is None
    assert "starts afresh" in caplog.text
    client.log_text(run_id, "broken", "checkpoint/epoch-1.safetensors")
    assert RunRecorder(client, run_id).resume() is None
