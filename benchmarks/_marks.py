"""Training on marks against training on recording labels: `python -m benchmarks._marks FOLDER`.

Makes soundscapes of the demo's birds with Raven tables, prepares them, trains the same small model
on what is marked, on the labels of whole recordings, and on both losses; then scores the windows of
the recordings that are validated against their marks.
"""

import argparse
import statistics
from pathlib import Path

import numpy as np
from scipy.special import softmax

from birdml.annotations.dataset import present_in_windows
from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.dataset.sources.demo import generate
from birdml.prediction.split import predict_split
from birdml.prepare import Request, prepare
from birdml.scoring import curves
from birdml.training.trainer import train
from birdml.zoo.load import configure, load_zoo
from birdml.zoo.saved import SavedModel

SOUNDSCAPES = 24  # in each of two folders
SETTINGS = {
    "labels": "marks=false",
    "marks": "",
    "labels, binary": "marks=false loss=binary ignored_top=4",
    "marks, binary": "loss=binary",
}
COMMON = "background=true excerpt_min=5.0 excerpt_max=5.0 epoch_steps=40 epochs=6 patience=6"


class Silent:
    """A recorder that keeps nothing."""

    def resume(self):
        return None

    def epoch(self, metrics, state):
        del metrics, state


def make(folder: Path) -> Dataset:
    """Soundscapes with tables and without labels, as people have them, as a dataset."""
    made = folder / "soundscapes"
    if (made / "dataset.toml").is_file():
        return open_dataset(made)
    raw = generate(folder / "raw", per_species=1, tests=1, soundscapes=SOUNDSCAPES, empty=24)
    audio = folder / "audio"
    audio.mkdir()
    for part in ("val/data", "test"):
        for path in (raw / part / "wav").glob("*.wav"):
            (audio / path.name).symlink_to(path.resolve())
    request = Request(
        str(audio), valid="0.3", noise=str(raw / "noise"), annotations=str(raw / "annotations")
    )
    return prepare(request, made)


def cmap(model: SavedModel, dataset: Dataset) -> float:
    """Mean average precision over species of the windows of the validation recordings."""
    found = predict_split(model, dataset, "valid", "5s")
    assert found.starts is not None
    logits = np.asarray(found.logits, np.float64)
    scores = logits if model.recipe.settings()["loss"] == "binary" else softmax(logits, axis=1)
    present = present_in_windows(dataset, found.files, found.starts, 5.0)
    windows, classes = scores.shape
    label = np.tile(np.arange(classes), windows)
    own = curves.curves(label, scores.ravel(), present.ravel(), classes, windows)
    return float(np.nanmean(curves.average_precision(own)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    dataset = make(asked.folder)
    counts = {split: len(dataset.split(split)) for split in ("train", "valid", "noise_train")}
    print(f"{counts}, {len(dataset.classes)} species, {len(dataset.annotations or ())} marks")
    for name, settings in SETTINGS.items():
        recipe = configure(load_zoo()["audio1"], "demo", f"{COMMON} {settings}")
        values = []
        for seed in range(asked.seeds):
            network = train(recipe, dataset, seed, Silent()).network
            saved = SavedModel(recipe, network, dataset.species, dataset.name, dataset.digest, "")
            values.append(cmap(saved, dataset))
        shown = ", ".join(f"{value:.3f}" for value in values)
        print(f"{name:<16} cmAP {statistics.mean(values):.3f} ({shown})", flush=True)


if __name__ == "__main__":
    main()
