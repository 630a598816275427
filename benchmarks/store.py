"""Finding the runs of a dataset in a full store: `python -m benchmarks store`."""

import os
import statistics
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks._measure import row

RUNS, MODELS, TRIALS = 1000, 19, 5
LIMIT = 2.0  # seconds that were set as the limit
DIGEST = "digest-of-this-benchmark"


def fill(client: Any) -> None:
    """Runs of 19 models on one dataset, each with as many params, tags and figures as ours have."""
    from mlflow.entities import Metric, Param

    from birdml.tracking import experiments

    experiment = experiments.experiment_id(client)
    for model in range(MODELS):
        client.create_registered_model(f"birdml-meta{model + 1}")
    params = [Param(f"cfg.setting{n}", "value") for n in range(45)]
    metrics = [Metric(f"figure{n}", 0.5, 0, 0) for n in range(16)]
    for number in range(RUNS):
        tags = {
            "birdml.model": f"meta{number % MODELS + 1}",
            "birdml.family": "meta",
            "birdml.dataset_digest": DIGEST,
            "birdml.model_version": "1",
            "mlflow.note.content": "A metadata network in words. " * 30,
        } | {f"birdml.tag{n}": "value" for n in range(8)}
        run_id = client.create_run(experiment, tags=tags).info.run_id
        client.log_batch(run_id, params=params, metrics=metrics)
        source = client.create_logged_model(experiment, source_run_id=run_id).model_uri
        name = f"birdml-{tags['birdml.model']}"
        figures = {"map": f"{number / RUNS:.6f}", "map_bg": "0.5", "birdml.dataset_digest": DIGEST}
        client.create_model_version(name, source, run_id=run_id, tags=figures)
        client.set_terminated(run_id, "FINISHED")


def finding(client: Any, where: str) -> list[dict[str, Any]]:
    from birdml.tracking import runs
    from birdml.tracking.champions import champions

    fill(client)
    query = f"tags.`birdml.dataset_digest` = '{DIGEST}' and attributes.status = 'FINISHED'"
    ours, whole = [], []
    for _ in range(TRIALS):
        start = perf_counter()
        assert len(champions(client, DIGEST)) == MODELS
        ours.append(perf_counter() - start)
        start = perf_counter()
        assert len(runs.search(client, query)) == RUNS
        whole.append(perf_counter() - start)
    seconds, all_runs = statistics.median(ours), statistics.median(whole)
    name = f"champions of {MODELS} models among {RUNS} runs"
    return [
        row(
            f"{name}, {where}",
            seconds,
            all_runs,
            all_runs / seconds,
            "fetching all runs of the dataset",
        ),
        row(
            f"{name}, {where}, slowest",
            max(ours),
            LIMIT,
            LIMIT / max(ours),
            "the limit that was set",
        ),
    ]


def run() -> list[dict[str, Any]]:
    """SQLite, and, where PostgreSQL is installed, a team's server with users."""
    import mlflow

    from birdml.tracking.store import connect
    from tests.services.servers import postgres_programs, team

    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        uri = f"sqlite:///{scratch}/mlflow.db"
        os.environ["MLFLOW_TRACKING_URI"] = uri
        mlflow.set_tracking_uri(uri)
        rows += finding(connect(), "SQLite")
    try:
        postgres_programs()
    except FileNotFoundError:
        print("a team's server is left out: no PostgreSQL here")
        return rows
    with tempfile.TemporaryDirectory() as scratch, team(Path(scratch)) as one:
        os.environ.update(one.environment_of("ada"))
        mlflow.set_tracking_uri(one.address)
        rows += finding(connect(), "mlflow server, PostgreSQL, users")
    return rows
