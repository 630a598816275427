"""A training that is killed at twenty random moments ends as if nothing had happened."""

import multiprocessing
import os
import runpy
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import mlflow
import numpy as np
import pytest
from safetensors.numpy import load_file
from tqdm import tqdm

from birdml.tracking import registry, runs
from birdml.tracking.arrays import load_predictions
from tests.datasets import make_dataset

SCRIPT = Path(__file__).parent.parent.parent / "entry_points" / "train.py"
KILLS = 20
MODELS = ("audio1", "meta1")
EPOCHS = 20
SETTINGS = (
    "channels=[4,6] width=8 excerpt_min=1.6 excerpt_max=2.4 mel_bands=40 batch_size=4 "
    f"hidden=[16,16] epoch_steps=20 epochs={EPOCHS} patience=3 patience_trials=99"
)
# Imports take most of a start, and nothing that they do could be left half done: they are done
# once, in a process that forks for each start. What a training would import on its way is here too.
IMPORTED = (
    "birdml.ensemble.registration", "birdml.figures.run", "birdml.prediction.split",
    "birdml.steps.train", "birdml.training.trainer", "git", "matplotlib.backends.backend_agg",
    "matplotlib.pyplot", "mlflow.models.display_utils", "mlflow.pyfunc",
    "mlflow.store.model_registry.sqlalchemy_store", "mlflow.store.tracking.sqlalchemy_store",
    "safetensors.torch", "scipy.spatial", "tests.steps.test_kills", "torch._dynamo", "torch.onnx",
)  # fmt: skip
FORKING = multiprocessing.get_context("forkserver")


def arguments(dataset):
    return [
        "--model", ",".join(MODELS), "--dataset", str(dataset.folder), "--set", SETTINGS,
    ]  # fmt: skip


def call(folder, words, script=SCRIPT):
    """In the forked process: the script as `python entry_points/NAME.py` runs it."""
    os.chdir(folder)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    with open("output", "a") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    # One between processes would be missed, with a warning, when this one is killed.
    tqdm.set_lock(threading.RLock())
    sys.path.insert(0, str(script.parent))
    sys.argv = [str(script), *words]
    runpy.run_path(str(script), run_name="__main__")


class Place:
    """A store of its own, and starts of the command in it."""

    def __init__(self, folder, fresh_store, dataset):
        folder.mkdir()
        shutil.copy(fresh_store, folder / "mlflow.db")
        self.folder, self.dataset = folder, dataset
        self.client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")

    def start(self):
        process = FORKING.Process(target=call, args=(self.folder, arguments(self.dataset)))
        process.start()
        return process

    def finish(self):
        """The command as a user types it, in a process of its own, to its end."""
        done = subprocess.run(
            [sys.executable, SCRIPT, *arguments(self.dataset)],
            cwd=self.folder,
            env=os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{self.folder}/mlflow.db"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    def runs(self):
        """Model -> its run; there is one of each."""
        query = f"tags.`birdml.dataset_digest` = '{self.dataset.digest}'"
        found = runs.search(self.client, query)
        named = {run.data.tags["birdml.model"]: run for run in found}
        assert len(named) == len(found)
        return named

    def history(self, run, key):
        found = self.client.get_metric_history(run.info.run_id, key)
        return sorted((metric.step, metric.value) for metric in found)

    def where(self):
        """How far the training is, in words."""
        found = self.runs()
        for name in MODELS:
            if name not in found:
                return f"before {name}"
            metrics = found[name].data.metrics
            if "valid_map" not in metrics:
                return f"{name} before its first epoch"
            if found[name].info.status == "FINISHED":
                continue
            steps = self.history(found[name], "valid_map")
            return f"{name} after {len(steps)} epochs" + ", at the end" * ("map" in metrics)
        return "after all"

    def result(self):
        """All that the training left, but for times and names that are drawn."""
        return {name: self._of(name, run) for name, run in self.runs().items()}

    def _of(self, name, run):
        client, run_id = self.client, run.info.run_id
        versions = client.search_model_versions(f"name = 'birdml-{name}'")
        models = client.search_logged_models([run.info.experiment_id])
        predictions = load_predictions(client, run_id, "valid")
        folder = registry.load_registered(client, f"models:/birdml-{name}@champion")
        (weights,) = folder.rglob("*.safetensors")
        artifacts = Path(client.download_artifacts(run_id, ""))
        return {
            "status": run.info.status,
            "tags": {k: v for k, v in run.data.tags.items() if k.startswith("birdml.")},
            "params": run.data.params,
            "datasets": [used.dataset.name for used in run.inputs.dataset_inputs],
            "figures": {
                key: self.history(run, key) for key in run.data.metrics if "minutes" not in key
            },
            "files": sorted(str(p.relative_to(artifacts)) for p in artifacts.rglob("*.*")),
            "recordings": predictions.files,
            "logits": predictions.logits.tobytes(),
            "versions": [(v.version, v.run_id == run_id) for v in versions],
            "logged_models": sum(model.source_run_id == run_id for model in models),
            "weights": {key: w.tobytes() for key, w in load_file(weights).items()},
        }


@pytest.fixture
def place(tmp_path, fresh_store, monkeypatch):
    """Makes stores with the same dataset."""
    dataset = make_dataset(tmp_path / "data")
    FORKING.set_forkserver_preload(list(IMPORTED))
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    before = mlflow.get_tracking_uri()
    yield lambda name: Place(tmp_path / name, fresh_store, dataset)
    mlflow.set_tracking_uri(before)


def lengths(place):
    """Seconds of an undisturbed training: until its first run is there, and of the longest end."""
    imported = FORKING.Process(target=int)  # the first process waits for the imports
    imported.start()
    imported.join()
    began = time.time()
    process = place.start()
    process.join()
    found = place.runs()
    begin = min(run.info.start_time for run in found.values()) / 1000 - began
    ends = []
    for run in found.values():
        epochs = place.client.get_metric_history(run.info.run_id, "valid_map")
        ends.append((run.info.end_time - max(m.timestamp for m in epochs)) / 1000)
    return begin, max(ends)


def test_killed_twenty_times_it_ends_as_if_nothing_had_happened(place):
    seed = int(os.environ.get("BIRDML_KILLS", "0"))  # other numbers, other moments
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    whole = place("whole")
    begin, end = lengths(whole)
    expected = whole.result()
    print(f"{begin:.2f} s to begin, {end:.2f} s to end")

    # A start may live a little longer than what it must do in one go takes: so nothing is out of
    # reach, and the epochs are enough for nearly twenty starts. One moment lies in each twentieth.
    fractions = rng.permutation(np.arange(KILLS) + rng.random(KILLS)) / KILLS
    left = list(1.2 * (begin + end) * fractions)
    trainings = 0
    while left:  # a training that is over before the last kill is followed by another
        trainings += 1
        killed = place(f"killed{trainings}")
        while left:
            process = killed.start()
            process.join(left[0])
            if process.exitcode is not None:  # it was faster
                assert process.exitcode == 0, (killed.folder / "output").read_text()
                break
            process.kill()
            process.join()
            print(f"{trainings}: killed after {left.pop(0):.2f} s: {killed.where()}", flush=True)
        killed.finish()
        result = killed.result()
        assert sorted(result) == sorted(MODELS)
        for name in MODELS:
            for part, was in expected[name].items():
                assert result[name][part] == was, f"{part} of {name}"
        assert not runs.search(killed.client, "attributes.status = 'RUNNING'")
