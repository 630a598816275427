"""Prediction arrays as artifacts of a run: float32 [N, C] logits and the recordings' names."""

import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from birdml.errors import UserError
from birdml.prediction.predictions import Predictions
from birdml.tracking import downloads

if TYPE_CHECKING:
    from birdml.tracking.client import Store


def log_predictions(
    client: "Store",
    run_id: str,
    split: str,
    files: Sequence[str],
    logits: np.ndarray,
    starts: np.ndarray | None = None,
) -> None:
    """Logs `predictions/<split>/logits.npy` and `recordings.csv`; ValueError if counts differ."""
    if len(files) != len(logits) or (starts is not None and len(starts) != len(files)):
        raise ValueError(f"{len(files)} names for {len(logits)} rows of logits")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with open(path / "recordings.csv", "w", newline="", encoding="utf-8") as f:
            writer = csv.writer(f, lineterminator="\n")
            writer.writerow(["file"] if starts is None else ["file", "start"])
            for row, file in enumerate(files):
                writer.writerow([file] if starts is None else [file, f"{starts[row]:g}"])
        np.save(path / "logits.npy", np.ascontiguousarray(logits, np.float32), allow_pickle=False)
        # The names go first: where logits.npy is, all of it is there.
        for name in ("recordings.csv", "logits.npy"):
            client.log_artifact(run_id, str(path / name), f"predictions/{split}")


def predicted_splits(client: "Store", run_id: str) -> set[str]:
    """The splits whose predictions a run holds whole."""
    folders = client.list_artifacts(run_id, "predictions")
    return {
        Path(folder.path).name
        for folder in folders
        if any(f.path.endswith("/logits.npy") for f in client.list_artifacts(run_id, folder.path))
    }


def load_predictions(client: "Store", run_id: str, split: str) -> Predictions | None:
    """Predictions of a split; the logits as a memory map. None where the run has none.

    Raises UserError where they are cut short or have lost a part, and where the files of the whole
    run are gone.
    """
    if split not in predicted_splits(client, run_id):
        if (lost := downloads.lost_folder(client, run_id)) is not None:
            raise UserError(_broken(run_id, split, f"{lost} {downloads.MOVED}"))
        return None
    try:
        folder = downloads.fetch(client, f"runs:/{run_id}", f"predictions/{split}")
        with open(folder / "recordings.csv", newline="", encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        logits = np.load(folder / "logits.npy", mmap_mode="r", allow_pickle=False)
        windows = rows and "start" in rows[0]
        files = [row["file"] for row in rows]
        starts = np.array([float(row["start"]) for row in rows]) if windows else None
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise UserError(_broken(run_id, split, error)) from None
    if logits.ndim != 2 or len(logits) != len(files):
        shape = f"{len(files)} recordings, but logits {list(logits.shape)}"
        raise UserError(_broken(run_id, split, shape))
    return Predictions(files, starts, logits)


def _broken(run_id: str, split: str, why: object) -> str:
    reason = " ".join(str(why).split())[:200]
    return f"the predictions for {split} in the run {run_id} can't be read ({reason})"
