"""Training against a team's server: by two users at once, and while the server is away."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from birdml.tracking import runs
from birdml.tracking.arrays import load_predictions
from birdml.tracking.champions import champions
from tests.datasets import make_dataset
from tests.services.conftest import PROJECT
from tests.services.servers import wait_for

SMALL = "epochs=2 epoch_steps=20 channels=[2,2] width=8 mel_bands=40 excerpt_max=5.0"


def train(dataset: Path, model: str, settings: str, environment: dict, folder: Path):
    """Starts `train` as a user does; its output goes to a file in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, PROJECT / "entry_points" / "train.py", "--model", model]
    command += ["--dataset", dataset, "--set", settings]
    with open(folder / "output", "wb") as out:
        return subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=out)


@pytest.mark.services
def test_two_users_train_at_once_and_share_the_work(ada, team, tmp_path):
    dataset = make_dataset(tmp_path / "data")
    names = ["audio1", "meta1", "meta3", "meta8"]
    processes = [
        train(dataset.folder, ",".join(names), SMALL, team.environment_of(user), tmp_path / user)
        for user in ("ada", "carl")
    ]
    codes = [process.wait(timeout=900) for process in processes]
    outputs = [(tmp_path / user / "output").read_text() for user in ("ada", "carl")]
    assert codes == [0, 0], outputs
    for name in names:
        trained = sum(f"{name}: trained" in text for text in outputs)
        there = sum(f"{name}: is there already" in text for text in outputs)
        assert (trained, there) == (1, 1), outputs

    models = champions(ada, dataset.digest)
    assert [model.name for model in models] == names
    assert len(runs.search(ada, f"tags.`birdml.dataset_digest` = '{dataset.digest}'")) == 4
    for model in models:
        holder = ada.get_model_version_by_alias(f"birdml-{model.name}", "champion")
        assert holder.version == model.model_version and holder.run_id == model.run_id
        found = load_predictions(ada, model.run_id, "valid")
        assert found is not None
        assert found.files == [recording.file for recording in dataset.split("valid")]
        assert any(f.path.endswith(".png") for f in ada.list_artifacts(model.run_id, "figures"))


@pytest.mark.services
def test_a_server_killed_in_the_middle_of_a_training_loses_nothing(ada, team, tmp_path):
    """The figures of every epoch are there, and those of a training that nothing disturbed."""
    dataset = make_dataset(tmp_path / "data", audio=False, seed=1)
    epochs = 8
    settings = f"epochs={epochs} epoch_steps=600 patience={epochs}"
    query = f"tags.`birdml.dataset_digest` = '{dataset.digest}'"

    def epochs_done() -> int:
        found = runs.search(ada, query)
        return len(ada.get_metric_history(found[0].info.run_id, "valid_map")) if found else 0

    process = train(dataset.folder, "meta3", settings, team.environment_of("ada"), tmp_path / "1")
    try:
        wait_for(lambda: epochs_done() >= 2 or process.poll() is not None, "two epochs")
        team.kill()
        output = tmp_path / "1" / "output"
        wait_for(
            lambda: "server is away" in output.read_text() or process.poll() is not None,
            "an epoch without server",
        )
        assert process.poll() is None, output.read_text()
        team.start()
        assert process.wait(timeout=900) == 0, output.read_text()
    finally:
        process.kill()
        if team.process is None:
            team.start()

    undisturbed = {
        **team.environment_of("ada"),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/m.db",
    }
    again = train(dataset.folder, "meta3", settings, undisturbed, tmp_path / "2")
    assert again.wait(timeout=900) == 0, (tmp_path / "2" / "output").read_text()

    import mlflow

    stores = [ada, mlflow.MlflowClient(undisturbed["MLFLOW_TRACKING_URI"])]
    (one,), (other,) = (champions(store, dataset.digest) for store in stores)
    assert one.metrics["training/epochs"] == epochs
    for key in ("train_loss", "valid_loss", "valid_map", "learning_rate"):
        here, there = (
            {m.step: m.value for m in store.get_metric_history(model.run_id, key)}
            for store, model in zip(stores, (one, other))
        )
        assert sorted(here) == list(range(1, epochs + 1)), key
        assert here == there, key
    here, there = (
        load_predictions(store, model.run_id, "valid").logits
        for store, model in zip(stores, (one, other))
    )
    np.testing.assert_array_equal(here, there)
