"""The run of a training: a new one, the unfinished one of the request, or the one handed in."""

from pathlib import Path

import pytest

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import Recording, Species
from birdml.tracking.training_run import log_request, open_training

DATASET = Dataset(Path("tiny"), "tiny", "d1", (Species("sp0"),), (Recording("a.wav", "train"),))
SETTINGS = {"epochs": 3, "hidden": [8, 8]}


@pytest.fixture
def opened(client):
    def open_one(identity="i1", handed=False):
        tags = {"birdml.model": "meta3", "birdml.identity": identity, "birdml.teachers": ""}
        return open_training(client, tags, SETTINGS, DATASET, handed)

    return open_one


def test_a_new_run_holds_what_was_asked_and_on_which_dataset(client, opened):
    run = client.get_run(opened())
    assert run.info.run_name == "meta3" and run.data.tags["birdml.identity"] == "i1"
    assert "birdml.teachers" not in run.data.tags
    assert run.data.params["cfg.hidden"] == "[8, 8]"
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("tiny", "d1")


def test_the_unfinished_run_of_the_same_request_is_gone_on_with(client, opened):
    run_id = opened()
    client.set_tag(run_id, "birdml.error", "no memory")
    client.set_terminated(run_id, "FAILED")
    assert opened() == run_id
    run = client.get_run(run_id)
    assert run.info.status == "RUNNING" and "birdml.error" not in run.data.tags
    assert len(run.inputs.dataset_inputs) == 1
    assert opened("i2") != run_id
    client.set_terminated(run_id, "FINISHED")
    assert opened() != run_id


def test_what_a_kill_left_unwritten_is_written(client, opened, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as before_settings:
        before_settings.setattr("birdml.tracking.training_run.log_request", killed)
        with pytest.raises(KeyboardInterrupt):
            opened()
    run_id = opened()
    run = client.get_run(run_id)
    assert run.data.params["cfg.epochs"] == "3" and len(run.inputs.dataset_inputs) == 1
    log_request(client, run_id, SETTINGS, DATASET)  # twice is once
    assert len(client.get_run(run_id).inputs.dataset_inputs) == 1


def test_the_run_that_mlflow_opened_is_used_or_says_where_the_training_went_on(
    client, opened, monkeypatch
):
    experiment = client.create_experiment("birdml")
    first, second = (client.create_run(experiment).info.run_id for _ in range(2))
    monkeypatch.setenv("MLFLOW_RUN_ID", first)
    assert opened(handed=True) == first
    monkeypatch.setenv("MLFLOW_RUN_ID", second)
    assert opened(handed=True) == first
    run = client.get_run(second)
    assert run.info.run_name == "meta3 (goes on elsewhere)"
    assert first in run.data.tags["mlflow.note.content"]
