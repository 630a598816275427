"""A Ray cluster of two nodes, one of them lost in the middle: every model is trained, once."""

import os
import subprocess
import sys
import time

import mlflow
import pytest

from birdml.jobs.ray_cluster import _train_one, outcome_of
from birdml.tracking import runs
from birdml.tracking.claims import Claims
from birdml.tracking.recorder import TAG
from birdml.training.zoo_run import Outcome
from birdml.zoo.load import load_zoo
from tests.datasets import make_dataset
from tests.services.conftest import PROJECT

MODELS = ["meta3", "meta8", "meta5", "meta9"]  # meta8 learns from meta3
EPOCHS = 15
SETTINGS = f"hidden=[8,8] epoch_steps=400 epochs={EPOCHS} patience={EPOCHS}"
SMALL = {"num_cpus": 1, "object_store_memory": 80_000_000}
QUICK_TO_NOTICE = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000}


@pytest.fixture
def cluster(monkeypatch):
    pytest.importorskip("ray", reason="needs Ray: pip install birdml[ray]")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    one = Cluster(
        initialize_head=True,
        head_node_args=SMALL | {"_system_config": QUICK_TO_NOTICE, "include_dashboard": False},
    )
    yield one
    one.shutdown()


@pytest.mark.services
def test_a_lost_node_loses_no_model_and_trains_none_twice(cluster, tmp_path, monkeypatch):
    second = cluster.add_node(**SMALL)
    cluster.wait_for_nodes()
    dataset = make_dataset(tmp_path / "data", audio=False)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    client = mlflow.MlflowClient(uri)
    client.search_experiments()
    query = f"tags.`birdml.dataset_digest` = '{dataset.digest}'"

    process = subprocess.Popen(
        [
            sys.executable, PROJECT / "entry_points" / "train.py", "--executor", "ray",
            "--model", ",".join(MODELS), "--dataset", dataset.folder, "--set", SETTINGS,
        ],
        env=os.environ | {"RAY_ADDRESS": cluster.address},
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 900

        def at_work():
            found = runs.search(client, f"{query} and attributes.status = 'RUNNING'")
            return [run for run in found if run.data.tags.get(TAG)]

        while len(at_work()) < 2 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        before = at_work()
        assert len(before) == 2 and process.poll() is None, process.communicate()
        cluster.remove_node(second, allow_graceful=False)
        output = process.communicate(timeout=900)[0]
    finally:
        process.kill()
    assert process.returncode == 0, output

    found = {run.data.tags["birdml.model"]: run for run in runs.search(client, query)}
    assert sorted(found) == sorted(MODELS) and len(runs.search(client, query)) == len(MODELS)
    board = client.get_run(Claims(client, dataset.digest).run_id)
    for name, run in found.items():
        assert run.info.status == "FINISHED", output
        steps = [m.step for m in client.get_metric_history(run.info.run_id, "valid_map")]
        assert sorted(set(steps)) == list(range(1, EPOCHS + 1)), name
        assert len(client.search_model_versions(f"run_id = '{run.info.run_id}'")) == 1
        assert f"{name}: finished, MAP " in output
    taken_over = [
        run.data.tags["birdml.model"]
        for run in before
        if f"{run.data.tags['birdml.identity']}.2" in board.data.params
    ]
    assert len(taken_over) == 1, "the lost node's model went on elsewhere, in the same run"
    assert "Traceback" not in output
    print(f"{taken_over[0]} was taken over\n{output}")


@pytest.mark.services
def test_what_a_failure_holds_up_is_said_as_without_ray(cluster, tmp_path):
    """Every line about a model, and the exit code; only the executor differs."""
    dataset = make_dataset(tmp_path / "data", audio=False)
    said = {}
    for executor in ("local", "ray"):
        folder = tmp_path / executor
        folder.mkdir()
        done = subprocess.run(
            [
                sys.executable, PROJECT / "entry_points" / "train.py", "--executor", executor,
                "--model", "meta9,meta10", "--dataset", dataset.folder,
                "--set", f"{SETTINGS} learning_rate=1e38",
            ],
            env=os.environ
            | {
                "RAY_ADDRESS": cluster.address,
                "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
            },
            cwd=folder, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert done.returncode == 1, done.stdout
        lines = [line for line in done.stdout.splitlines() if line.startswith("meta")]
        # What the table says on the way is Ray's alone; the summary has no colon.
        said[executor] = [
            line for line in lines if ":" not in line or "FAILED" in line or "not trained" in line
        ]
    assert said["ray"] == said["local"]
    assert "meta10: not trained: needs meta9" in said["ray"]


@pytest.mark.services
@pytest.mark.parametrize("end", ["lost", "raised"])
def test_what_needs_a_model_whose_task_broke_is_blocked(end, cluster):
    """Where a machine is lost for good, or a task ends before it could say why it failed."""
    import ray

    def broken():
        if end == "lost":
            os._exit(1)
        raise OSError("no such disk")

    ray.init(address=cluster.address)
    try:
        teacher = ray.remote(max_retries=0)(broken).remote()
        student = ray.remote(_train_one).remote(None, "meta8", teacher)
        pending = {"meta3": teacher, "meta8": student}
        outcomes = {name: outcome_of(ray, name, pending, load_zoo()) for name in pending}
    finally:
        ray.shutdown()
    assert outcomes["meta3"].state == "failed"
    assert outcomes["meta3"].reason
    assert outcomes["meta8"] == Outcome("blocked", "needs meta3")
