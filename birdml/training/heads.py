"""Training of a head: embeddings of the training recordings, then a fit of seconds."""

import csv
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from tqdm import tqdm

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import Recording, Species
from birdml.encoders.compute import embed_dataset
from birdml.encoders.noisy import embed_noisy
from birdml.encoders.own_rows import CONGENERS, OwnRows, own_rows, warm_start
from birdml.encoders.pretrained import own_output_layer
from birdml.encoders.weights import read_labels
from birdml.errors import UserError
from birdml.machine import cores
from birdml.networks.build import build_network
from birdml.networks.head import HeadNetwork
from birdml.streams import CHANGES, NETWORK, stream, torch_seed
from birdml.training import head_fits
from birdml.training.feed import labelled
from birdml.training.objective import shares
from birdml.zoo.recipe import HeadRecipe

NAMED = 5  # species named in a line


def train_head(recipe: HeadRecipe, dataset: Dataset, seed: int) -> tuple[HeadNetwork, float]:
    """A head as its recipe says, and the seconds that its fit took, embeddings left out.

    Embeddings of the dataset are computed where they are missing. Raises UserError for a dataset
    without audio, an encoder that is not installed, or one that has no scores of its own to start
    from.
    """
    network = build_network(recipe, len(dataset.classes))
    assert isinstance(network, HeadNetwork)
    own = None
    if recipe.head in ("own", "warm"):
        own = rows_of_encoder(recipe, network, dataset.species)
        _say_unknown(recipe, own, dataset.species)
    if recipe.head == "own":
        assert own is not None
        _set(network.out, own.weights, own.bias)
        return network.eval(), 0.0
    recordings = [r for r in labelled(dataset, "train") if r.samples]
    embeddings = embed_dataset(dataset, network.encoder, cores())
    windows = [np.asarray(embeddings.of(r.file), np.float32) for r in recordings]
    foreground = torch.from_numpy(dataset.foreground(recordings))
    present = torch.from_numpy(dataset.present(recordings))
    weight = recipe.background_weight if recipe.background else 0.0
    targets = shares(foreground, present, weight).numpy()
    rows = np.stack([w.mean(axis=0) for w in windows])
    rows, targets, labels = _with_copies(
        recipe, network, dataset, recordings, rows, targets, seed, foreground.numpy()
    )
    began = perf_counter()
    weights = _class_weights(labels, len(dataset.classes), recipe.class_weighting)
    if recipe.mixup:
        mixed = head_fits.mixup(rows, targets, recipe.mixup, stream(seed, CHANGES, 0))
        rows, targets = np.concatenate([rows, mixed[0]]), np.concatenate([targets, mixed[1]])
        weights = np.concatenate([weights, weights])
    _fit(recipe, network, rows, targets, weights, own, seed)
    if network.direction is not None:
        together = np.concatenate(windows)
        first = np.append(0, np.cumsum([len(w) for w in windows]))
        direction = head_fits.fit_attention(
            together, first, network.of_windows(together), targets[: len(windows)], recipe.l2
        )
        network.direction.data = torch.from_numpy(direction)
    return network.eval(), perf_counter() - began


def rows_of_encoder(
    recipe: HeadRecipe, network: HeadNetwork, species: Sequence[Species]
) -> OwnRows:
    """What the encoder's own output layer says of the species."""
    output = own_output_layer(network.encoder)
    labels = read_labels(network.encoder)
    if output is None or not labels:
        raise UserError(
            f"{recipe.name}: the encoder '{network.encoder.name}' does not tell scores of its own: "
            "use head=linear, mlp or prototype"
        )
    names = [(one.latin_name or one.class_id).replace("_", " ") for one in species]
    synonyms = _synonyms(Path(recipe.synonyms)) if recipe.synonyms else None
    return own_rows(names, labels, output, synonyms)


def known_by(own: OwnRows, species: Sequence[Species]) -> list[tuple[str, str, str]]:
    """By what the encoder knows each species: class id, Latin name, its label or `congeners`; ''
    where by nothing."""
    return [(s.class_id, s.latin_name, how) for s, how in zip(species, own.known)]


def _say_unknown(recipe: HeadRecipe, own: OwnRows, species: Sequence[Species]) -> None:
    for how, words in ((CONGENERS, "by their congeners"), ("", "not at all")):
        names = [s.latin_name or s.class_id for s, known in zip(species, own.known) if known == how]
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            tqdm.write(
                f"{recipe.name}: {recipe.encoder} knows {len(names)} of {len(species)} species "
                f"{words}: {', '.join(names[:NAMED])}{more}"
            )


def _synonyms(path: Path) -> dict[str, str]:
    """Latin name -> the one that the encoder uses, of a CSV file with these two columns."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"synonyms: cannot read '{path}': {error}") from None
    faulty = [number for number, row in enumerate(rows, 1) if row and len(row) != 2]
    if faulty:
        raise UserError(
            f"synonyms: '{path}', line {faulty[0]}: two columns, a Latin name and the encoder's"
        )
    return {a.strip(): b.strip() for a, b in filter(None, rows)}


def _with_copies(
    recipe: HeadRecipe,
    network: HeadNetwork,
    dataset: Dataset,
    recordings: Sequence[Recording],
    rows: np.ndarray,
    targets: np.ndarray,
    seed: int,
    labels: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, targets and labels with those of noisy copies behind them."""
    if not recipe.noisy_copies:
        return rows, targets, labels
    noisy = embed_noisy(
        dataset,
        recordings,
        network.encoder,
        recipe.noisy_copies,
        recipe.noisy_levels,
        recipe.noise_folder,
        seed,
        cores(),
    )
    copies = [np.asarray(noisy.of(name), np.float32).mean(axis=0) for name in noisy.names]
    times = recipe.noisy_copies
    return (
        np.concatenate([rows, np.stack(copies)]),
        np.concatenate([targets, np.repeat(targets, times, axis=0)]),
        np.concatenate([labels, np.repeat(labels, times)]),
    )


def _class_weights(labels: np.ndarray, classes: int, weighting: float) -> np.ndarray:
    """Weights of rows, [R], of a mean of 1: by how many rows their class has, to the power."""
    counts = np.bincount(labels, minlength=classes)[labels]
    weights = counts.astype(np.float64) ** -weighting
    return weights / weights.mean()


def _fit(
    recipe: HeadRecipe,
    network: HeadNetwork,
    rows: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    own: OwnRows | None,
    seed: int,
) -> None:
    """Fits and puts what was found into the network."""
    if recipe.head == "mlp":
        torch_number = torch_seed(seed, NETWORK, 0)
        found = head_fits.fit_mlp(
            rows, targets, recipe.l2, recipe.hidden_units, torch_number, weights
        )
        _set(network.inner, *found.first)
        _set(network.out, *found.second)
    elif recipe.head == "prototype":
        prototypes = head_fits.fit_prototypes(rows, targets, recipe.sharpness, weights)
        _set(network.out, prototypes.vectors)
        network.centre = torch.from_numpy(prototypes.centre)
        network.sharpness = torch.tensor(prototypes.sharpness, dtype=torch.float32)
    else:
        start = None if own is None else warm_start(own)
        _set(network.out, *head_fits.fit_linear(rows, targets, recipe.l2, start, weights))


def _set(layer: torch.nn.Linear, weights: np.ndarray, bias: np.ndarray | None = None) -> None:
    layer.weight.data = torch.from_numpy(np.ascontiguousarray(weights, np.float32))
    if bias is not None:
        layer.bias.data = torch.from_numpy(np.ascontiguousarray(bias, np.float32))
