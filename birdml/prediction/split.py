"""The logits of one split of a prepared dataset."""

from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import torch

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE, Recording
from birdml.errors import UserError
from birdml.metadata import metadata_table
from birdml.networks.build import Network
from birdml.networks.head import HeadNetwork
from birdml.prediction.heads import of_dataset
from birdml.prediction.predictions import Predictions
from birdml.prediction.recordings import on_device, pooled_logits
from birdml.prediction.windows import window_logits, window_starts
from birdml.signal.wav import AudioReader
from birdml.zoo.parts import Metadata
from birdml.zoo.saved import SavedModel

SPLIT_WINDOWS = ("recording", "5s")
METADATA_AT_ONCE = 4096  # recordings


class _Reading:
    """One recording of a reader, read where it is asked for."""

    def __init__(self, reader: AudioReader, index: int):
        self.reader = reader
        self.index = index

    def __len__(self) -> int:
        return int(self.reader.lengths[self.index])

    def __getitem__(self, part: slice) -> np.ndarray:
        start, stop, _ = part.indices(len(self))
        return self.reader.read(self.index, start, max(0, stop - start))


def default_windows(split: str) -> str:
    """What a split is predicted in: soundscapes in windows of 5 s, all else as recordings."""
    return "5s" if split.startswith("soundscapes") else "recording"


def predict_split(
    model: SavedModel,
    dataset: Dataset,
    split: str,
    windows: str = "",
    device: str = "cpu",
    progress: Callable[[float], object] = lambda seconds: None,
    rule: str = "exact",
) -> Predictions:
    """Logits of a split, in the order of its recordings; windows of each in order of time.

    `windows` is `recording` or `5s`; left empty, soundscapes are predicted in windows of 5 s. A
    metadata model gives one row per window as well. `progress` is called with seconds of audio.
    Raises UserError where the split is empty, the model knows other species, or audio is missing.
    """
    windows = windows or default_windows(split)
    if windows not in SPLIT_WINDOWS:
        known = " or ".join(SPLIT_WINDOWS)
        raise UserError(f"windows='{windows}': a split is predicted per {known}")
    recordings = dataset.split(split)
    check(model, dataset, split, recordings, windows)
    network = cast(Network, model.network.to(device).eval())
    encoded = encoded_metadata(model, recordings)
    if not model.recipe.takes_samples and encoded is not None:
        rows = list(_metadata_rows(network, encoded, recordings, windows, rule))
        progress(sum(r.samples for r in recordings) / SAMPLE_RATE)
    elif isinstance(network, HeadNetwork) and windows == "recording":
        rows = list(of_dataset(network, dataset, recordings, progress))
    else:
        reader = AudioReader([dataset.audio_path(r) for r in recordings])
        rows = []
        for index in range(len(recordings)):
            samples = _Reading(reader, index)
            metadata = None if encoded is None else encoded[index]
            if windows == "recording":
                rows.append(
                    pooled_logits(network, samples, rule, metadata=metadata, progress=progress)[
                        None
                    ]
                )
            else:
                rows.append(
                    window_logits(network, samples, rule=rule, metadata=metadata, progress=progress)
                )
    starts = None
    if windows == "5s":
        starts = np.concatenate([window_starts(r.samples, rule=rule) for r in recordings])
    files = [r.file for r, logits in zip(recordings, rows) for _ in logits]
    return Predictions(files, starts, np.concatenate(rows))


@torch.inference_mode()
def _metadata_rows(
    network: Network,
    encoded: np.ndarray,
    recordings: list[Recording],
    windows: str,
    rule: str,
) -> Iterator[np.ndarray]:
    """Logits of each recording by its metadata alone, [1, C], or one row per window."""
    for first in range(0, len(recordings), METADATA_AT_ONCE):
        part = slice(first, first + METADATA_AT_ONCE)
        logits = network(on_device(network, encoded[part])).cpu().numpy()
        for recording, row in zip(recordings[part], logits):
            count = len(window_starts(recording.samples, rule=rule)) if windows == "5s" else 1
            yield np.repeat(row[None], count, axis=0)


def check(
    model: SavedModel, dataset: Dataset, split: str, recordings: list[Recording], windows: str
) -> None:
    """Raises UserError where a model cannot predict these recordings of a dataset."""
    if not recordings:
        raise UserError(f"the dataset '{dataset.name}' has no recordings in its split '{split}'")
    if model.classes != dataset.classes:
        raise UserError(
            f"{model.name} knows the {len(model.classes)} species of '{model.dataset_name}', "
            f"not the {len(dataset.classes)} of '{dataset.name}': use a model trained on that"
        )
    hears = model.recipe.takes_samples
    silent = [r.file for r in recordings if not r.samples]
    if silent and (hears or windows == "5s"):
        why = "listens" if hears else "needs to know how many windows a recording has"
        raise UserError(
            f"{model.name} {why}, but {len(silent)} of {len(recordings)} recordings of '{split}' "
            f"in '{dataset.name}' have no audio (first: {silent[0]}): use a metadata model"
            + ("" if hears else " with windows=recording")
        )


def encoded_metadata(model: SavedModel, recordings: list[Recording]) -> np.ndarray | None:
    """What the model's network takes of each recording's date, time and place, float32 [N, D];
    None where it takes nothing of it."""
    recipe = model.recipe
    return recipe.encoded(metadata_table(recordings)) if isinstance(recipe, Metadata) else None
