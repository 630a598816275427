"""What logging to MLflow costs a training: `python -m benchmarks tracking`.

Two trainings of one metadata model take turns, an epoch each; one is recorded as `train` does it,
with its figures, checkpoint and claim in a SQLite store, the other is not recorded at all.
"""

import os
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks._measure import row
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import Recording, Species
from birdml.dataset.writing import write_dataset
from birdml.training.trainer import train
from birdml.zoo.load import configure, load_zoo

RECORDINGS = {"train": 4000, "valid": 400}
CLASSES = 300
EPOCHS = 9  # of 5000 steps, as in the recipe; the first one warms up
SHARE = 2.0  # per cent of the training time, the limit that was set


def invented(folder: Path) -> Dataset:
    """Species that have a season and a place, without audio."""
    rng = np.random.default_rng(0)
    species = tuple(Species(f"sp{i}", f"Avis numero {i}") for i in range(CLASSES))
    places = rng.uniform((-30, -80), (10, -35), (CLASSES, 2))
    months = rng.integers(1, 13, CLASSES)
    recordings = []
    for split, count in RECORDINGS.items():
        for number in range(count):
            label = number % CLASSES
            latitude, longitude = places[label] + rng.normal(size=2)
            recordings.append(
                Recording(
                    file=f"{split}/{number}.wav",
                    split=split,
                    species=f"sp{label}",
                    media_id=f"{split}{number}",
                    date=f"2017-{months[label]:02d}-{number % 28 + 1:02d}",
                    time=f"{5 + number % 14:02d}:00",
                    latitude=float(latitude),
                    longitude=float(longitude),
                    elevation=float(rng.uniform(0, 3000)),
                )
            )
    return write_dataset(folder, folder.name, species, recordings)


class Turns:
    """A recorder that takes the time, and lets the other training have an epoch after each."""

    def __init__(self, inner: Any, mine: Semaphore, other: Semaphore):
        self.inner, self.mine, self.other = inner, mine, other
        self.epochs: list[float] = []  # seconds with what the inner recorder takes
        self.inside: list[float] = []  # of them, in the inner recorder

    def resume(self) -> None:
        self.mine.acquire()
        self.began = perf_counter()

    def epoch(self, metrics: dict[str, float], state: Any) -> None:
        asked = perf_counter()
        if self.inner is not None:
            self.inner.epoch(metrics, state)
        done = perf_counter()
        self.epochs.append(done - self.began)
        self.inside.append(done - asked)
        self.other.release()
        self.resume()


def recorder(folder: Path) -> tuple[Any, Any]:
    """That of a run in a store of its own, as `train` has it, and its claim."""
    import mlflow

    from birdml.tracking.claims import Claims
    from birdml.tracking.recorder import RunRecorder
    from birdml.tracking.store import connect

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    client = connect()
    experiment = client.create_experiment("birdml", artifact_location=str(folder / "artifacts"))
    run_id = client.create_run(experiment).info.run_id
    claim = Claims(client).claim("one")
    assert claim is not None
    return RunRecorder(client, run_id, claim.lost), claim


def run() -> list[dict[str, Any]]:
    """Seconds of an epoch with and without logging, and the share that the recorder takes."""
    recipe = configure(load_zoo()["meta1"], "", f"epochs={EPOCHS} patience={EPOCHS}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        dataset = invented(folder / "data")
        inner, claim = recorder(folder)
        first, second = Semaphore(1), Semaphore(0)
        both = Turns(inner, first, second), Turns(None, second, first)

        def one(turns: Turns) -> None:
            try:
                train(recipe, dataset, 0, turns)
            finally:
                turns.other.release()

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(one, turns) for turns in both]:
                done.result()
        claim.end("finished")
    logged, plain = (statistics.median(turns.epochs[1:]) for turns in both)
    share = 100 * sum(both[0].inside[1:]) / sum(both[0].epochs[1:])
    what = f"{recipe.epoch_steps} steps, {CLASSES} classes, {os.cpu_count()} cores"
    return [
        row(
            "epoch of a metadata model, logged",
            logged,
            plain,
            logged / plain,
            f"the same epoch, not logged ({what})",
        ),
        row(
            "share of the recorder in the training time",
            share,
            SHARE,
            share / SHARE,
            "the limit that was set",
            "%",
        ),
    ]


if __name__ == "__main__":
    for result in run():
        print(
            f"{result['name']}: {result['ours']:.3f} {result['unit']} ({result['reference']:.3f})"
        )
