"""Finding the runs of a dataset: the newest of each model, however many there are."""

import mlflow
import pytest

from birdml.tracking import registry, runs

DIGEST = "digest-of-ours"


def finished(client, name: str, start: int, digest: str = DIGEST, version: str = "1") -> str:
    tags = {
        "birdml.model": name,
        "birdml.family": "meta" if name.startswith("meta") else "audio",
        "birdml.dataset_digest": digest,
        "birdml.model_version": version,
    }
    tags = {key: value for key, value in tags.items() if value}
    run = client.create_run("0", start_time=start, tags=tags)
    client.set_terminated(run.info.run_id, "FINISHED")
    return run.info.run_id


@pytest.fixture
def client(tmp_path):
    one = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    for name in ("birdml-meta1", "birdml-meta2", "birdml-audio1", "birdml-ensemble"):
        one.create_registered_model(name)
    return one


@pytest.mark.parametrize("page", [100, 2], ids=["one page", "more than a page"])
def test_the_newest_finished_run_of_each_model_on_the_dataset(client, monkeypatch, page):
    told = lambda client, run: run.data.tags.get("birdml.model_version", "")  # noqa: E731
    monkeypatch.setattr(registry, "version_of", told)
    monkeypatch.setattr(runs, "PAGE", page)
    wanted = {"audio1": finished(client, "audio1", 3), "meta2": finished(client, "meta2", 1)}
    for start in (4, 5):
        wanted["meta1"] = finished(client, "meta1", start)
    finished(client, "meta1", 9, version="")  # not registered
    finished(client, "meta1", 8, digest="another")
    client.create_run("0", start_time=10, tags={"birdml.dataset_digest": DIGEST})  # RUNNING
    found = runs.finished_models(client, DIGEST)
    assert [model.name for model in found] == ["audio1", "meta1", "meta2"]
    assert {model.name: model.run_id for model in found} == wanted
    assert [m.name for m in runs.finished_models(client, DIGEST, ["meta2"])] == ["meta2"]
    assert runs.finished_models(client, "nothing") == []


def test_finished_runs_of_a_dataset_are_found_as_they_become_more(client):
    seen = runs.FinishedRuns(client, DIGEST)
    assert seen.by_identity() == {}
    open_run = client.create_run("0", tags={"birdml.dataset_digest": DIGEST}).info.run_id
    client.set_tag(open_run, "birdml.identity", "1")
    assert seen.by_identity() == {}
    client.set_terminated(open_run, "FINISHED")
    assert [run.info.run_id for run in seen.by_identity().values()] == [open_run]
    finished(client, "meta1", 5, digest="another")
    assert list(seen.by_identity()) == ["1"]


def test_of_finished_runs_of_one_request_the_newest_registered_one_counts(client):
    for start, version in ((1, "1"), (2, "2"), (3, "")):
        run_id = finished(client, "meta1", start, version=version)
        client.set_tag(run_id, "birdml.identity", "same")
        if version == "2":
            wanted = run_id
    (found,) = runs.FinishedRuns(client, DIGEST).by_identity().values()
    assert found.info.run_id == wanted
