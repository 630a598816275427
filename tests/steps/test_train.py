"""`train`: each model once, whatever happens to the process; all of it kept in the store.

Nearly all here is what one user does in one store after the other, so that models are made once.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import mlflow
import pytest

from birdml.calibration.saved import load_calibration
from birdml.jobs import workers
from birdml.jobs.request import TrainOptions, prepare_request
from birdml.steps.train import failures, train
from birdml.tracking import experiments, registry, runs, store
from birdml.tracking.arrays import load_predictions
from birdml.tracking.recorder import TAG
from tests.datasets import make_dataset

PROJECT = Path(__file__).parent.parent.parent
QUICK = "hidden=[8,8] epoch_steps=5 epochs=1"
LONG = "hidden=[8,8] epoch_steps=150 epochs=12 patience=12"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("made") / "tiny", audio=False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory, fresh_store):
    """A store that all tests of this file share."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copy(fresh_store, folder / "mlflow.db")
    return folder


@pytest.fixture
def client(kept, monkeypatch):
    """This process in the shared store."""
    before = mlflow.get_tracking_uri()
    monkeypatch.chdir(kept)
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{kept}/mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{kept}/mlflow.db")
    handler = signal.getsignal(signal.SIGTERM)
    yield store.connect()
    signal.signal(signal.SIGTERM, handler)
    mlflow.set_tracking_uri(before)


def options(dataset, model, settings=QUICK, **others):
    return TrainOptions(model, str(dataset.folder), set=settings, **others)


def command(dataset, model, settings, *more):
    return [
        sys.executable, PROJECT / "entry_points" / "train.py", "--model", model,
        "--dataset", dataset.folder, "--set", settings, *more,
    ]  # fmt: skip


def states(outcomes):
    return {name: outcome.state for name, outcome in outcomes.items()}


def model_runs(client, dataset, name):
    query = f"tags.`birdml.dataset_digest` = '{dataset.digest}' and tags.`birdml.model` = '{name}'"
    return runs.search(client, query)


def figures(client, run_id):
    """Every figure of every epoch, but for when it was."""
    keys = [key for key in client.get_run(run_id).data.metrics if key != "cost/minutes"]
    return {key: {m.step: m.value for m in client.get_metric_history(run_id, key)} for key in keys}


def test_a_model_and_what_it_needs_are_trained_and_kept(client, dataset, capsys):
    outcomes = train(options(dataset, "meta3,meta8"))
    assert states(outcomes) == {"meta3": "finished", "meta8": "finished"}
    assert list(outcomes) == ["meta3", "meta8"], "the teacher comes first"
    assert not failures(outcomes)
    out = capsys.readouterr().out
    assert "meta3: trained" in out and "meta8: trained" in out
    head, *lines = out.rpartition("\n\n")[2].splitlines()
    assert head.split() == "model state map map_bg top1 top5 epochs minutes".split()
    assert [line.split()[:2] for line in lines] == [["meta3", "finished"], ["meta8", "finished"]]
    assert {len(line) for line in lines} == {len(head)}, "figures end under their headings"

    (run,) = model_runs(client, dataset, "meta8")
    assert run.info.status == "FINISHED" and run.info.run_name == "meta8"
    tags, params, metrics = run.data.tags, run.data.params, run.data.metrics
    assert tags["birdml.family"] == "meta" and tags["birdml.teachers"] == "meta3"
    assert tags["birdml.model_version"] == "1" and tags["mlflow.note.content"]
    assert params["cfg.hidden"] == "[8, 8]" and params["cfg.teacher"] == "meta3"
    assert params["cfg.seed"] == "0" and "cfg.mel_bands" not in params
    assert {"map", "map_bg", "top1", "top5", "train_loss", "valid_loss"} <= set(metrics)
    assert metrics["training/epochs"] == 1 and metrics["training/best_epoch"] == 1
    (used,) = run.inputs.dataset_inputs
    assert used.dataset.name == dataset.name

    predictions = load_predictions(client, run.info.run_id, "valid")
    assert predictions.files == [recording.file for recording in dataset.split("valid")]
    assert predictions.logits.shape == (9, 3)
    assert any(f.path.endswith(".png") for f in client.list_artifacts(run.info.run_id, "figures"))
    assert not client.list_artifacts(run.info.run_id, "checkpoint") and not tags.get(TAG)
    champion = client.get_model_version_by_alias("birdml-meta8", "champion")
    assert f"MAP {metrics['map']:.3f}" in champion.description
    assert "`meta3`" in champion.description and run.info.run_id in champion.description
    shown = client.get_registered_model("birdml-meta8")
    assert shown.tags["map"] == f"{metrics['map']:.3f}" and "@champion" in shown.description
    assert champion.run_id == run.info.run_id and str(champion.version) == "1"
    folder = registry.load_registered(client, "models:/birdml-meta8/1")
    calibration = load_calibration(folder, dataset.classes)
    assert calibration.fitted_on.count == 9 and calibration.fitted_on.digest == dataset.digest
    assert metrics["calibration/log_loss"] == calibration.measures["after"]["log_loss"]
    assert metrics["calibration/ece_before"] == calibration.measures["before"]["ece"]
    assert "calibrated on 9 validation recordings" in champion.description


def test_the_same_request_finds_what_is_there_and_another_seed_is_another_request(
    client, dataset, capsys
):
    train(options(dataset, "meta3"))
    before = len(model_runs(client, dataset, "meta3"))
    assert states(train(options(dataset, "meta3"))) == {"meta3": "there"}
    assert len(model_runs(client, dataset, "meta3")) == before
    assert "is there already" in capsys.readouterr().out
    asked = (options(dataset, "meta3"), options(dataset, "meta3", seed=1))
    one, other = (prepare_request(one).identities["meta3"] for one in asked)
    assert one != other


def test_the_run_that_mlflow_run_opened_is_the_models(client, dataset, monkeypatch):
    handed = client.create_run(experiments.experiment_id(client)).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", handed)
    assert states(train(options(dataset, "meta5"))) == {"meta5": "finished"}
    (run,) = model_runs(client, dataset, "meta5")
    assert run.info.run_id == handed and run.info.run_name == "meta5"
    assert run.info.status == "FINISHED"


def test_a_failure_is_kept_and_what_needs_the_model_is_not_trained(client, dataset, capsys):
    outcomes = train(options(dataset, "meta9,meta10,meta2", "learning_rate=1e38 " + QUICK))
    assert states(outcomes) == {"meta2": "failed", "meta9": "failed", "meta10": "blocked"}
    assert failures(outcomes) == ["meta2", "meta9", "meta10"]
    (run,) = model_runs(client, dataset, "meta9")
    assert (
        run.info.status == "FAILED" and "try a lower learning_rate" in run.data.tags["birdml.error"]
    )
    assert "meta9: FAILED" in capsys.readouterr().out


def wait_for_epoch(client, dataset, name, process):
    deadline = time.monotonic() + 900
    while process.poll() is None and time.monotonic() < deadline:
        found = [run for run in model_runs(client, dataset, name) if run.data.tags.get(TAG)]
        if found:
            return found[0].info.run_id
        time.sleep(0.02)
    raise AssertionError(process.communicate())


@pytest.fixture
def undisturbed(client, dataset):
    """The figures of a long training that nothing interrupts, in a store of its own."""
    assert states(train(options(dataset, "meta1", LONG, seed=3))) == {"meta1": "finished"}
    (run,) = model_runs(client, dataset, "meta1")
    found = figures(client, run.info.run_id)
    client.delete_run(run.info.run_id)
    return found


def test_killed_and_interrupted_it_goes_on_in_the_same_run_to_the_same_numbers(
    undisturbed, client, dataset, capfd
):
    process = subprocess.Popen(command(dataset, "meta1", LONG, "--seed", "3"))
    run_id = wait_for_epoch(client, dataset, "meta1", process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert client.get_run(run_id).info.status == "RUNNING", "it could not say that it was killed"

    # Any training that starts finds what died, and says so.
    assert states(train(options(dataset, "meta5"))) == {"meta5": "there"}
    assert "meta1: an earlier run died" in capfd.readouterr().out
    assert client.get_run(run_id).info.status == "KILLED"
    done = client.get_run(run_id).data.tags[TAG]

    def interrupt():
        while client.get_run(run_id).data.tags[TAG] == done:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        train(options(dataset, "meta1", LONG, seed=3))
    assert client.get_run(run_id).info.status == "KILLED"

    assert states(train(options(dataset, "meta1", LONG, seed=3))) == {"meta1": "finished"}
    (run,) = model_runs(client, dataset, "meta1")
    assert run.info.run_id == run_id and run.info.status == "FINISHED"
    assert figures(client, run_id) == undisturbed
    assert not client.list_artifacts(run_id, "checkpoint")


def test_exit_codes_and_errors_in_one_line(client, dataset):
    wrong = subprocess.Popen(command(dataset, "meta33", QUICK), stderr=subprocess.PIPE, text=True)
    failing = subprocess.Popen(
        command(dataset, "meta9", "learning_rate=1e38 " + QUICK),
        stdout=subprocess.PIPE,
        text=True,
    )
    error = wrong.communicate(timeout=900)[1]
    assert wrong.returncode == 2
    assert error.startswith("error: no model is named 'meta33'") and error.count("\n") == 1
    assert "meta9: FAILED: " in failing.communicate(timeout=900)[0]
    assert failing.returncode == 1


def test_workers_share_the_models_and_what_they_say_is_shown_once(client, dataset, capsys):
    asked = options(dataset, "meta9,meta10", QUICK, jobs=2, seed=7)
    outcomes = train(asked)
    assert states(outcomes) == {"meta9": "finished", "meta10": "finished"}
    out = capsys.readouterr().out
    for name in outcomes:
        assert out.count(f"{name}: finished, MAP ") == 1
    assert states(train(asked)) == dict.fromkeys(outcomes, "there")
    assert "Traceback" not in out and "worker" not in out


def test_a_worker_ends_as_interrupted_when_its_watcher_is_gone(client, dataset):
    worker = workers._start(options(dataset, "meta4", LONG, jobs=2))
    run_id = wait_for_epoch(client, dataset, "meta4", worker)
    worker.stdin.close()  # as the system does when a process is killed
    assert worker.wait(timeout=900) == 130
    assert client.get_run(run_id).info.status == "KILLED"


def test_a_fault_of_ours_in_a_worker_leaves_its_traceback_in_the_run(
    client, dataset, tmp_path, monkeypatch, capsys
):
    (tmp_path / "sitecustomize.py").write_text(
        "import birdml.training.trainer as trainer\n"
        "def train(*args, **named):\n"
        "    return [][len(args)]\n"
        "trainer.train = train\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    outcomes = train(options(dataset, "meta11,meta12", QUICK, jobs=2))
    assert states(outcomes) == {"meta11": "failed", "meta12": "failed"}
    assert "IndexError: list index out of range" in capsys.readouterr().out
    for name in outcomes:
        (run,) = runs.search(client, f"tags.`birdml.model` = '{name}'")
        assert run.info.status == "FAILED"
        told = Path(client.download_artifacts(run.info.run_id, "error.txt")).read_text()
        assert "Traceback" in told and "return [][len(args)]" in told
