"""MAP of heads on prepared datasets with five seeds: `python -m benchmarks._heads DATASET ...`.

Recordings are divided by groups of cuts: of each species that has several groups, a third of them
(at least one) is validated, and the others are learned from. Embeddings are computed where they
are missing.
"""

import statistics
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np

from birdml.dataset.cuts import find_overlaps, groups
from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.encoders.compute import embed_dataset
from birdml.encoders.entries import find_encoder
from birdml.encoders.pretrained import own_output_layer
from birdml.encoders.weights import read_labels
from birdml.networks import heads
from birdml.networks.heads import Head, OwnRows
from birdml.scoring import ranks
from birdml.signal.wav import AudioReader

SEEDS = 5
SHARE = 1 / 3  # of a species' groups that are validated

Fit = Callable[[np.ndarray, np.ndarray, OwnRows, int], Head]
FITS: dict[str, Fit] = {
    "birdnet0": lambda x, t, own, seed: own.head,
    "linear": lambda x, t, own, seed: heads.fit_linear(x, t, 1e-3),
    "mlp": lambda x, t, own, seed: heads.fit_mlp(x, t, 1e-4, seed=seed),
    "prototype": lambda x, t, own, seed: heads.fit_prototypes(x, t),
    "warm": lambda x, t, own, seed: heads.fit_linear(x, t, 3e-2, heads.warm_start(own)),
}


def divide(labels: np.ndarray, group: np.ndarray, seed: int) -> np.ndarray:
    """Which of N recordings are validated, bool [N]; no group is in both parts."""
    rng = np.random.default_rng(seed)
    valid = np.zeros(len(labels), bool)
    for label in range(labels.max() + 1):
        own = rng.permutation(np.unique(group[labels == label]))
        count = max(1, round(SHARE * len(own))) if len(own) > 1 else 0
        valid |= np.isin(group, own[:count])
    return valid


def measure(dataset: Dataset) -> dict[str, tuple[list[float], float]]:
    """MAP of each head with each seed, and the median seconds to fit it."""
    encoder = find_encoder("birdnet24")
    embeddings = embed_dataset(dataset, encoder)
    recordings = [r for r in dataset.recordings if r.samples and r.species]
    labels = dataset.foreground(recordings)
    reader = AudioReader([dataset.audio_path(r) for r in recordings])
    group = groups(len(recordings), find_overlaps(len(recordings), reader.read))
    windows = [np.asarray(embeddings.of(r.file), np.float32) for r in recordings]
    output = own_output_layer(encoder)
    assert output is not None
    names = [species.latin_name or species.class_id for species in dataset.species]
    own = heads.own_rows([n.replace("_", " ") for n in names], read_labels(encoder), output)
    known = sum(how not in ("", "congeners") for how in own.known)
    print(
        f"{dataset.name}: {len(recordings)} recordings in {group.max() + 1} groups, "
        f"{len(names)} species: {known} known, {own.known.count('congeners')} by congeners, "
        f"{len(own.unknown)} unknown"
    )
    maps: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in range(SEEDS):
        valid = divide(labels, group, seed)
        first = np.append(0, np.cumsum([len(windows[i]) for i in np.flatnonzero(valid)]))
        heard = np.concatenate([windows[i] for i in np.flatnonzero(valid)])
        learned = np.stack([windows[i].mean(axis=0) for i in np.flatnonzero(~valid)])
        targets = np.eye(len(names), dtype=np.float32)[labels[~valid]]
        for name, fit in FITS.items():
            begin = perf_counter()
            head = fit(learned, targets, own, seed)
            seconds.setdefault(name, []).append(perf_counter() - begin)
            logits = heads.pooled(head(heard), first)
            maps.setdefault(name, []).append(float((1 / ranks(logits, labels[valid])).mean()))
    print(f"validated: {valid.sum()} recordings; learned from: {(~valid).sum()}")
    return {name: (maps[name], statistics.median(seconds[name])) for name in maps}


def main() -> None:
    for folder in sys.argv[1:]:
        for name, (maps, seconds) in measure(open_dataset(folder)).items():
            each = " ".join(f"{value:.3f}" for value in maps)
            print(
                f"  {name:<10} MAP {statistics.mean(maps):.3f}  ({each})  fitted in {seconds:.2f} s"
            )


if __name__ == "__main__":
    main()
