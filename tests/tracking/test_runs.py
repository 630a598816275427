"""Finding runs: all that match, however many there are."""

import mlflow
import pytest

from birdml.tracking import runs

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


def test_all_pages_of_a_search_are_fetched(client, monkeypatch):
    made = {finished(client, f"meta{n}", n) for n in range(1, 8)}
    whole = client.search_runs
    monkeypatch.setattr(
        client, "search_runs", lambda *args, **kwargs: whole(*args, **kwargs | {"max_results": 3})
    )
    found = runs.search(client, runs.finished_on(DIGEST))
    assert {run.info.run_id for run in found} == made and len(found) == 7
    assert [run.info.start_time for run in found] == list(range(7, 0, -1)), "newest first"


def test_runs_are_found_by_their_ids_and_deleted_ones_left_out(client, monkeypatch):
    monkeypatch.setattr(runs, "IDS", 2)
    made = [finished(client, f"meta{n}", n) for n in range(5)]
    client.delete_run(made[1])
    assert set(runs.by_ids(client, [*made, "deadbeef"])) == set(made) - {made[1]}
    assert runs.by_ids(client, []) == {}


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
