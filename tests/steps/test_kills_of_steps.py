"""Every step of the way, killed at random moments and started again: as if nothing had happened.

BIRDML_KILLS_EACH is how often each step is killed (2); BIRDML_KILLS, the seed of the moments.
"""

import json
import os
import shutil
import time
from pathlib import Path

import mlflow
import numpy as np
import pytest

from birdml.ensemble.combination import read_lineage
from birdml.tracking import registry, runs
from birdml.tracking.arrays import load_predictions
from birdml.tracking.dead_runs import mark_dead_runs
from tests.dataset.made_up import species_folders
from tests.datasets import make_dataset
from tests.steps.test_kills import FORKING, IMPORTED, SETTINGS, call

SCRIPTS = Path(__file__).parent.parent.parent / "entry_points"
EACH = int(os.environ.get("BIRDML_KILLS_EACH", "2"))
MODELS = "audio1,meta1,meta3"
ENSEMBLE = "models:/birdml-ensemble@champion"
QUICK = SETTINGS.replace("epoch_steps=20 epochs=20", "epoch_steps=10 epochs=4")
STEPS = {  # in this order; each needs those before it
    "prepare": ["--source", "source", "--dataset", "prepared"],
    "train": ["--model", MODELS, "--dataset", "data", "--set", QUICK],
    "predict": ["--model", MODELS, "--dataset", "data", "--split", "test"],
    "ensemble": ["--dataset", "data", "--evaluations", "40"],
    "submit": ["--dataset", "data", "--model", ENSEMBLE, "--out", "submission"],
    "compare": ["--dataset", "data", "--out", "compare.html"],
    "files": ["--model", ENSEMBLE, "--recordings", "songs", "--windows", "5s", "--out", "out"],
}
ALSO_IMPORTED = (
    "birdml.steps.ensemble", "birdml.steps.submit", "birdml.steps.compare",
    "birdml.steps.predict_files", "birdml.steps.predict", "birdml.prepare", "hyperopt",
    "tests.steps.test_kills_of_steps")  # fmt: skip


class Way:
    """A folder with a store, in which the steps are started one after the other."""

    def __init__(self, folder, fresh_store, source, dataset):
        folder.mkdir()
        shutil.copy(fresh_store, folder / "mlflow.db")
        self.folder = folder
        (folder / "source").symlink_to(source)
        (folder / "data").symlink_to(dataset.folder)
        (folder / "songs").symlink_to(dataset.folder / "audio" / "valid")
        self.client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")

    def start(self, step):
        script = SCRIPTS / f"{'predict' if step == 'files' else step}.py"
        process = FORKING.Process(target=call, args=(self.folder, STEPS[step], script))
        process.start()
        return process

    def finish(self, step):
        """Seconds to its end, which must be a good one."""
        began = time.monotonic()
        process = self.start(step)
        process.join()
        assert process.exitcode == 0, (self.folder / "output").read_text()[-3000:]
        return time.monotonic() - began

    def files(self, folder):
        """Name -> bytes of what lies in a folder, but for when it was made."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted((self.folder / folder).rglob("*"))
            if path.is_file() and path.name != "journal.jsonl"
        }

    def logits(self, run, split):
        return load_predictions(self.client, run.info.run_id, split).logits.tobytes()

    def result(self):
        """What the steps left, but for names and times that are drawn."""
        mark_dead_runs(self.client)
        every = runs.search(self.client, "")
        assert not [run for run in every if run.info.status == "RUNNING"]
        finished = [
            run for run in every if run.info.status == "FINISHED" and run.info.run_name != "claims"
        ]
        models = {run.data.tags.get("birdml.model", run.info.run_name): run for run in finished}
        twice = [run.info.run_name for run in finished if run not in models.values()]
        assert not set(twice) - {"submission"}, "each `submit` that came to its end has a run"
        folder = registry.load_registered(self.client, ENSEMBLE)
        _, lineage = read_lineage(folder)
        version = self.client.get_model_version_by_alias("birdml-ensemble", "champion")
        assert version.run_id == models["birdml-ensemble"].info.run_id
        return {
            "files": self.files("prepared") | self.files("submission") | self.files("out"),
            "members": [(member.name, member.weight) for member in lineage],
            "figures": {
                name: {
                    key: len(self.client.get_metric_history(run.info.run_id, key))
                    if key.startswith("search/")
                    else value
                    for key, value in run.data.metrics.items()
                    if "minutes" not in key
                }
                for name, run in models.items()
            },
            "logits": {
                name: load_predictions(
                    self.client, models[name].info.run_id, split
                ).logits.tobytes()
                for name in MODELS.split(",")
                for split in ("valid", "test")
            },
            "calibration": json.loads((folder / "calibration.json").read_text()),
        }


@pytest.fixture
def way(tmp_path, fresh_store, monkeypatch):
    source = species_folders(tmp_path / "species")
    dataset = make_dataset(tmp_path / "made-up")
    FORKING.set_forkserver_preload([*IMPORTED, *ALSO_IMPORTED])
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    before = mlflow.get_tracking_uri()
    yield lambda name: Way(tmp_path / name, fresh_store, source, dataset)
    mlflow.set_tracking_uri(before)


def test_every_step_killed_again_and_again_ends_as_if_nothing_had_happened(way):
    rng = np.random.default_rng(int(os.environ.get("BIRDML_KILLS", "0")))
    imported = FORKING.Process(target=int)  # the first process waits for the imports
    imported.start()
    imported.join()
    whole = way("whole")
    seconds = {step: whole.finish(step) for step in STEPS}
    killed = way("killed")
    for step in STEPS:
        left = list(seconds[step] * rng.permutation((np.arange(EACH) + rng.random(EACH)) / EACH))
        while left:
            process = killed.start(step)
            process.join(left[0])
            if process.exitcode is not None:  # what was done before is not done again
                assert process.exitcode == 0, (killed.folder / "output").read_text()[-3000:]
                left.pop()
                continue
            process.kill()
            process.join()
            print(f"{step}: killed after {left.pop(0):.2f} s of {seconds[step]:.2f}", flush=True)
        killed.finish(step)
    result, expected = killed.result(), whole.result()
    for part, was in expected.items():
        assert result[part] == was, part
    page = (killed.folder / "compare.html").read_text()
    assert page.endswith("</html>\n") and "birdml-ensemble" in page
    assert not [path for path in killed.folder.rglob(".*") if path.is_file()], "half-written"
