"""MAP of the zoo's heads with five splits: `python -m benchmarks._heads SOURCE [NOISE]`.

SOURCE is a folder that `prepare` takes; each seed divides it anew (30 % for validation, cuts of one
recording together). With NOISE, a folder of recordings in which none of the species sings, every
second of its files is mixed into validation recordings at -10 dB, and the others into noisy copies
of training recordings: three each at random levels, or one at 0 dB.
"""

import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

from birdml.dataset.prepared import Dataset
from birdml.dataset.raw import is_audio
from birdml.encoders.compute import embed_dataset
from birdml.encoders.entries import find_encoder
from birdml.encoders.noisy import embed_noisy
from birdml.prepare import Request, prepare
from birdml.scoring import ranks
from birdml.training.heads import HeadTraining
from birdml.training.trained import Setup
from birdml.zoo.load import load_zoo
from birdml.zoo.recipe import HeadRecipe, changed

SEEDS = 5
LEVEL = -10.0  # dB of the validation recordings over the noise
HALVES = ("learned", "judged")


def halves(noise: Path, scratch: Path) -> None:
    """Two folders of links, so that nobody is judged in noise that was learned."""
    for number, path in enumerate(sorted(filter(is_audio, noise.rglob("*")))):
        folder = scratch / HALVES[number % 2]
        folder.mkdir(exist_ok=True)
        (folder / path.name).symlink_to(path.resolve())


def recipes(scratch: Path, noise: bool) -> dict[str, HeadRecipe]:
    """The heads of the zoo, and those that learn with noisy copies."""
    zoo = load_zoo()
    found = {name: recipe for name, recipe in zoo.items() if isinstance(recipe, HeadRecipe)}
    folder = str(scratch / HALVES[0])
    for name in ("birdnet_linear", "birdnet_warm", "birdnet_prototype") if noise else ():
        one = {"noisy_copies": 1, "noise_folder": folder, "noisy_levels": (0.0, 0.0)}
        found[f"{name}, a copy at 0 dB"] = changed(zoo[name], one)  # type: ignore[assignment]
        three = {"noisy_copies": 3, "noise_folder": folder}
        found[f"{name}, three copies"] = changed(zoo[name], three)  # type: ignore[assignment]
    return found


def judged(dataset: Dataset, seed: int, scratch: Path, noise: bool) -> dict[str, list[np.ndarray]]:
    """Embeddings of the windows of each validation recording, as it is and in noise."""
    valid, encoder = dataset.split("valid"), find_encoder("birdnet24")
    clean = embed_dataset(dataset, encoder)
    found = {"clean": [clean.of(r.file) for r in valid]}
    if noise:
        folder, levels = str(scratch / HALVES[1]), (LEVEL, LEVEL)
        mixed = embed_noisy(dataset, valid, encoder, 1, levels, folder, seed)
        found[f"{LEVEL:g} dB"] = [mixed.of(f"{r.file}/0") for r in valid]
    return found


def main(source: str, noise: str = "") -> None:
    maps: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if noise:
            halves(Path(noise), scratch)
        for seed in range(SEEDS):
            request = Request(source, valid="0.3", seed=seed)
            dataset = prepare(request, scratch / f"{Path(source).name}{seed}", 1)
            sets = judged(dataset, seed, scratch, bool(noise))
            labels = dataset.foreground(dataset.split("valid"))
            for name, recipe in recipes(scratch, bool(noise)).items():
                network = HeadTraining(Setup(recipe, dataset, seed)).run().network
                for kind, windows in sets.items():
                    logits = np.stack([network.of_embeddings(w) for w in windows])
                    maps.setdefault((name, kind), []).append(
                        float((1 / ranks(logits, labels)).mean())
                    )
    for (name, kind), values in maps.items():
        each = " ".join(f"{value:.2f}" for value in values)
        print(f"{name:<34}{kind:<8} MAP {statistics.mean(values):.3f}  ({each})")


if __name__ == "__main__":
    main(*sys.argv[1:])
