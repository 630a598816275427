"""Files of a store are fetched once, kept to a limit, and never left in the temporary folder."""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from mlflow.store.artifact import artifact_repository_registry
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

from birdml.errors import UserError
from birdml.tracking import arrays, downloads, own_runs
from birdml.tracking.downloads import fetch, make_room


class Remote:
    """A store elsewhere, as a local one that counts what it hands out."""

    def __init__(self, folder):
        self._inner, self.handed_out = LocalArtifactRepository(str(folder)), 0

    def list_artifacts(self, path=None):
        return self._inner.list_artifacts(path)

    def download_artifacts(self, path, dst_path):
        self.handed_out += 1
        return self._inner.download_artifacts(path, dst_path)


@pytest.fixture
def remote(tmp_path, monkeypatch):
    folder = tmp_path / "elsewhere"
    (folder / "predictions" / "valid").mkdir(parents=True)
    (folder / "predictions" / "valid" / "logits.npy").write_bytes(b"x" * 1000)
    one = Remote(folder)
    monkeypatch.setattr(
        artifact_repository_registry, "get_artifact_repository", lambda uri, **_: one
    )
    monkeypatch.setenv("BIRDML_CACHE", str(tmp_path / "cache"))
    one.folder = folder
    return one


def test_a_local_store_is_read_where_it_is(client):
    with own_runs.own_run(client, "meta3", {}) as run_id:
        client.log_text(run_id, "hello", "a/b.txt")
    found = fetch(client, f"runs:/{run_id}", "a")
    assert (found / "b.txt").read_text() == "hello" and "mlruns" in str(found)
    with pytest.raises(FileNotFoundError, match="moved"):
        fetch(client, f"runs:/{run_id}", "b")


def test_files_of_another_machine_are_fetched_once(client, remote, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    for _ in range(3):
        found = fetch(client, "runs:/1", "predictions/valid")
        assert (found / "logits.npy").read_bytes() == b"x" * 1000
    assert remote.handed_out == 1
    assert list(temporary.iterdir()) == [], "nothing is left there"
    fetch(client, "runs:/2", "predictions/valid")
    (remote.folder / "predictions" / "valid" / "logits.npy").write_bytes(b"y" * 1001)
    found = fetch(client, "runs:/1", "predictions/valid")
    assert (found / "logits.npy").read_bytes() == b"y" * 1001
    assert remote.handed_out == 3
    with pytest.raises(FileNotFoundError, match="no files at 'nothing'"):
        fetch(client, "runs:/1", "nothing")


def test_a_download_that_breaks_leaves_nothing(client, remote, monkeypatch):
    def breaks(path, dst_path):
        (Path(dst_path) / "half").write_text("half")
        raise ValueError("cut off")

    monkeypatch.setattr(remote, "download_artifacts", breaks)
    with pytest.raises(ValueError, match="cut off"):
        fetch(client, "runs:/1", "predictions/valid")
    assert list(downloads.cache_folder().iterdir()) == []


def test_a_cache_that_cannot_be_written_is_said(client, remote, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BIRDML_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="BIRDML_CACHE"):
        fetch(client, "runs:/1", "predictions/valid")


def test_the_longest_unused_go_first_and_none_that_is_in_use(tmp_path, monkeypatch):
    ages = {"old": 9, "older": 10, "new": 2, "in use": 0, "fetching-killed": 3, "fetching-now": 0}
    for name, hours in ages.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"x" * 1000)
        used = time.time() - hours * 3600
        os.utime(tmp_path / name, (used, used))
    monkeypatch.setenv("BIRDML_CACHE_GB", str(4500 / 1e9))
    make_room(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"new", "in use", "fetching-now"}
    monkeypatch.setenv("BIRDML_CACHE_GB", "0.0000001")
    make_room(tmp_path, kept=tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"new", "in use", "fetching-now"}


@pytest.mark.parametrize("damage", ["truncated", "no names", "other count", "text", "a vector"])
def test_damaged_predictions_are_said_in_one_line(damage, client):
    with own_runs.own_run(client, "meta3", {}) as run_id:
        logits = np.ones((3, 5), np.float32)
        arrays.log_predictions(client, run_id, "valid", ["a", "b", "c"], logits)
    folder = fetch(client, f"runs:/{run_id}", "predictions/valid")
    file = folder / "logits.npy"
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-8])
    elif damage == "no names":
        (folder / "recordings.csv").unlink()
    elif damage == "other count":
        np.save(file, np.ones((4, 5), np.float32))
    elif damage == "text":
        file.write_text("these are no numbers")
    else:
        np.save(file, np.ones(3, np.float32))
    with pytest.raises(UserError, match=f"predictions for valid in the run {run_id} can't be read"):
        arrays.load_predictions(client, run_id, "valid")
