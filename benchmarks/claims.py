"""What a sweep of waiting for models costs in a full store: `python -m benchmarks claims`.

A store in SQLite with 20 000 trainings, on 20 datasets alike; a process waits for 37 models of one
of them that others are at work on. The reference asks as it was before claims were kept for each
dataset and asked once per sweep: every question to the one run that holds them all, and all
finished runs of the dataset each time. Of its 74 questions six are asked, and timed for all.
"""

import os
import sqlite3
import statistics
import tempfile
from pathlib import Path
from time import perf_counter, time
from typing import Any

from benchmarks._measure import row

TRAININGS, DATASETS, MODELS, TRIALS, ASKED = 20_000, 20, 37, 5, 3
DAYS_AGO = 3 * 24 * 3600
QUIET = float("inf")  # seconds: whoever is at work counts as living


def fill(database: Path, experiment: str, held_by: dict[str, str]) -> None:
    """Finished runs with tags and figures, and their claims; `held_by` names a run for each
    dataset and, under "", that of all."""
    ended = int(1000 * (time() - DAYS_AGO))
    runs, tags, claims, ends = [], [], [], []
    for number in range(TRAININGS):
        run_id, identity = f"{number:032x}", f"identity{number:08d}"
        digest = f"d{number % DATASETS}"
        runs.append((run_id, f"meta{number}", ended, ended, experiment))
        told = {
            "birdml.model": f"meta{number}",
            "birdml.family": "meta",
            "birdml.dataset_digest": digest,
            "birdml.identity": identity,
            "birdml.model_version": "1",
        }
        tags += [(key, value, run_id) for key, value in told.items()]
        for holder in (held_by[digest], held_by[""]):
            claims.append((f"{identity}.1", "elsewhere/1/2/owner", holder))
            ends.append((f"end.{identity}.1", "finished", holder))
            ends.append((f"beat.{identity}.1", "360", holder))
    for number in range(MODELS):  # that others are at work on
        for holder in (held_by["d0"], held_by[""]):
            claims.append((f"waited{number}.1", "elsewhere/1/2/owner", holder))
            ends.append((f"beat.waited{number}.1", "7", holder))
    with sqlite3.connect(database) as store:
        store.executemany(
            "INSERT INTO runs (run_uuid, name, status, lifecycle_stage, start_time, end_time,"
            " experiment_id, user_id, artifact_uri)"
            " VALUES (?, ?, 'FINISHED', 'active', ?, ?, ?, 'ada', '')",
            runs,
        )
        store.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", tags + ends)
        store.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", claims)


def waiting(folder: Path) -> list[dict[str, Any]]:
    from birdml.tracking import experiments, runs, store
    from birdml.tracking.claims import Claims

    client = store.connect()
    experiment = experiments.experiment_id(client)
    claims = {f"d{n}": Claims(client, f"d{n}", expiry_seconds=QUIET) for n in range(DATASETS)}
    whole = Claims(client, "all", expiry_seconds=QUIET)
    ids = {digest: one.run_id for digest, one in claims.items()} | {"": whole.run_id}
    fill(folder / "mlflow.db", experiment, ids)
    names = [f"waited{number}" for number in range(MODELS)]
    finished = runs.FinishedRuns(client, "d0")
    finished.by_identity()
    query = runs.finished_on("d0")
    looks, finds, asked, searched = [], [], [], []
    for _ in range(TRIALS):
        claims["d0"].forget()
        start = perf_counter()
        for name in names:
            claims["d0"].outcome(name)
            assert claims["d0"].claim(name) is None
        looks.append(perf_counter() - start)
        start = perf_counter()
        assert len(finished.by_identity()) == TRAININGS // DATASETS
        finds.append(perf_counter() - start)
        start = perf_counter()
        for name in names[:ASKED]:
            whole.forget()
            whole.outcome(name)
            whole.forget()
            assert whole.claim(name) is None
        asked.append((perf_counter() - start) * MODELS / ASKED)
        start = perf_counter()
        assert len(runs.search(client, query)) == TRAININGS // DATASETS
        searched.append(perf_counter() - start)
    ours = statistics.median(looks), statistics.median(finds)
    theirs = statistics.median(asked), statistics.median(searched)
    return [
        row(
            f"claims of {MODELS} waiting models, one sweep",
            ours[0],
            theirs[0],
            theirs[0] / ours[0],
            f"each question to one run with all {TRAININGS} trainings",
        ),
        row(
            "what has finished since, one sweep",
            ours[1],
            theirs[1],
            theirs[1] / ours[1],
            f"all {TRAININGS // DATASETS} finished runs of the dataset",
        ),
    ]


def run() -> list[dict[str, Any]]:
    import mlflow

    before, folder = mlflow.get_tracking_uri(), os.getcwd()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        mlflow.set_tracking_uri(f"sqlite:///{scratch}/mlflow.db")
        try:
            return waiting(Path(scratch))
        finally:
            mlflow.set_tracking_uri(before)
            os.chdir(folder)
