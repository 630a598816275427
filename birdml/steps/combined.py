"""Logits of a registered model, single or ensemble, on one split: its members', combined.

What a member's run already holds is taken from there; what is missing is computed, logged into the
member's run, and so there the next time.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE
from birdml.ensemble.combination import Member, combine, load_combination, read_lineage
from birdml.errors import UserError
from birdml.prediction.predictions import Predictions
from birdml.prediction.split import default_windows, predict_split
from birdml.prediction.windows import window_starts
from birdml.tracking import runs
from birdml.tracking.arrays import load_predictions, log_predictions
from birdml.zoo.saved import load_model, read_about

if TYPE_CHECKING:
    from birdml.tracking.client import Store


def predictions_in(
    client: "Store",
    folder: Path,
    dataset: Dataset,
    split: str,
    windows: str,
    device: str = "cpu",
) -> Predictions:
    """What a combination says of a split, per `recording` or in windows of `5s`.

    See `combined_predictions`, and `windowed_predictions` for what is not the split's usual way.
    """
    if windows == default_windows(split):
        return combined_predictions(client, folder, dataset, split, device)
    return windowed_predictions(folder, dataset, split, device, windows)


def combined_predictions(
    client: "Store", folder: Path, dataset: Dataset, split: str, device: str = "cpu"
) -> Predictions:
    """Weighted sum of the members' logits on one split, float32 [N, C].

    Args:
        client: of the store whose runs the members name.
        folder: a combination (see `birdml.ensemble.combination`).
        dataset: a prepared dataset with the members' label set.
        split: of its recordings; soundscapes are predicted in windows of 5 s, the same for every
            member: one that reads metadata only says the same of all windows of a recording.
        device: where networks run.

    Raises:
        UserError: where a member cannot predict these recordings.
    """
    _, lineage = read_lineage(folder)
    rows: list[Predictions] = []

    def logits() -> Iterator[np.ndarray]:
        for member in lineage:
            made = _predictions(client, folder, member, dataset, split, device)
            if not rows:
                rows.append(Predictions(made.files, made.starts, np.empty(0)))
            yield made.logits

    total = combine(logits(), [m.weight for m in lineage])
    return Predictions(rows[0].files, rows[0].starts, total)


def windowed_predictions(
    folder: Path, dataset: Dataset, split: str, device: str = "cpu", windows: str = "5s"
) -> Predictions:
    """The same in windows that are not a split's usual ones; no run keeps what members say of them.

    Raises UserError where a member cannot predict these recordings.
    """
    combination = load_combination(folder, device)
    seconds = sum(r.samples for r in dataset.split(split)) / SAMPLE_RATE
    parts = []
    for model, _ in combination.members:
        with tqdm(
            total=round(seconds), unit="s", desc=f"{model.name} {split}", disable=None
        ) as bar:
            parts.append(predict_split(model, dataset, split, windows, device, bar.update))
    logits = combine([p.logits for p in parts], [weight for _, weight in combination.members])
    return Predictions(parts[0].files, parts[0].starts, np.asarray(logits))


def _predictions(
    client: "Store", folder: Path, member: Member, dataset: Dataset, split: str, device: str
) -> Predictions:
    run_id = _run_of_dataset(client, folder, member, dataset)
    known = logged_predictions(client, run_id, member.name, dataset, split) if run_id else None
    if known is not None:
        return known
    seconds = sum(r.samples for r in dataset.split(split)) / SAMPLE_RATE
    with tqdm(total=round(seconds), unit="s", desc=f"{member.name} {split}", disable=None) as bar:
        model = load_model(folder / member.name, device)
        made = predict_split(model, dataset, split, device=device, progress=bar.update)
    if not run_id:
        return made
    log_predictions(client, run_id, split, made.files, made.logits, made.starts)
    return load_predictions(client, run_id, split) or made  # mapped from disk: K of them are large


def logged_predictions(
    client: "Store", run_id: str, name: str, dataset: Dataset, split: str
) -> Predictions | None:
    """What a run holds of a split; None where that is nothing, damaged (said), or of other rows."""
    known = _known(client, run_id, name, split)
    return known if known is not None and _complete(known, dataset, split) else None


def _known(client: "Store", run_id: str, name: str, split: str) -> Predictions | None:
    """What a run holds; None, and said, where that is damaged: then it is predicted anew."""
    try:
        return load_predictions(client, run_id, split)
    except UserError as error:
        tqdm.write(f"{name}: {error}: predicted anew", file=sys.stderr)
        return None


def _run_of_dataset(client: "Store", folder: Path, member: Member, dataset: Dataset) -> str | None:
    """The member's run, if it is there and about the very same dataset."""
    if not member.run_id or read_about(folder / member.name)["dataset_digest"] != dataset.digest:
        return None
    found = runs.search(client, f"attributes.run_id = '{member.run_id}'")
    return member.run_id if found else None


def _complete(known: Predictions, dataset: Dataset, split: str) -> bool:
    """Whether predictions are those of the split as it is asked for here, row for row."""
    recordings = dataset.split(split)
    if default_windows(split) == "recording":
        names = [r.file for r in recordings]
        as_asked = known.starts is None
    else:
        of_each = [window_starts(r.samples) for r in recordings]
        names = [r.file for r, w in zip(recordings, of_each) for _ in w]
        as_asked = known.starts is not None and np.array_equal(
            known.starts, np.concatenate(of_each)
        )
    whole = known.logits.shape == (len(names), len(dataset.classes))
    return as_asked and whole and known.files == names
