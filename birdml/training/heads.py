"""Training of a head: embeddings of the training recordings, then a fit of seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import cast

import numpy as np
import torch

from birdml.dataset.recording import Recording
from birdml.encoders.compute import embed_dataset
from birdml.encoders.noisy import embed_noisy
from birdml.encoders.own_rows import OwnRows, warm_start
from birdml.machine import cores
from birdml.networks.build import build_network
from birdml.networks.head import HeadNetwork
from birdml.streams import CHANGES, NETWORK, stream, torch_seed
from birdml.training import head_fits
from birdml.training.feed import labelled
from birdml.training.known_species import rows_of_encoder, say_unknown
from birdml.training.objective import shares
from birdml.training.trained import Recorder, Setup, Trained
from birdml.zoo.recipe import HeadRecipe


@dataclass(frozen=True)
class Rows:
    """What a head is fitted to: embeddings [R, D], targets [R, C] and labels [R]."""

    embeddings: np.ndarray
    targets: np.ndarray
    labels: np.ndarray

    def with_copies(self, copies: np.ndarray) -> "Rows":
        """With noisy copies behind them, as many of each row [R * times, D]."""
        times = len(copies) // len(self.labels)
        return Rows(
            np.concatenate([self.embeddings, copies]),
            np.concatenate([self.targets, np.repeat(self.targets, times, axis=0)]),
            np.concatenate([self.labels, np.repeat(self.labels, times)]),
        )


class HeadTraining:
    """A head, fitted to the embeddings of the training recordings, not trained in epochs.

    Embeddings of the dataset are computed where they are missing.
    """

    def __init__(self, setup: Setup):
        self.recipe, self.dataset = cast(HeadRecipe, setup.recipe), setup.dataset
        self.seed = setup.seed
        self.network = cast(HeadNetwork, build_network(self.recipe, len(self.dataset.classes)))

    def run(self, recorder: Recorder | None = None) -> Trained:
        """The head as its recipe says, and the seconds of its fit, embeddings left out.

        A fit of seconds has nothing to report on the way. Raises UserError for a dataset without
        audio, an encoder that is not installed, or one that has no scores of its own to start
        from.
        """
        recipe, network, own = self.recipe, self.network, None
        if recipe.head in ("own", "warm"):
            own = rows_of_encoder(recipe, network, self.dataset.species)
            say_unknown(recipe, own, self.dataset.species)
        if recipe.head == "own":
            assert own is not None
            _set(network.out, own.weights, own.bias)
            return Trained(network.eval())
        recordings = [r for r in labelled(self.dataset, "train") if r.samples]
        embedded = embed_dataset(self.dataset, network.encoder, cores())
        windows = [np.asarray(embedded.of(r.file), np.float32) for r in recordings]
        rows = self._rows(recordings, windows)
        began = perf_counter()
        self._fit(rows, own)
        if network.direction is not None:
            together = np.concatenate(windows)
            first = np.append(0, np.cumsum([len(w) for w in windows]))
            learned = rows.targets[: len(windows)]
            direction = head_fits.fit_attention(
                together, first, network.of_windows(together), learned, recipe.l2
            )
            network.direction.data = torch.from_numpy(direction)
        return Trained(network.eval(), seconds=perf_counter() - began)

    def _rows(self, recordings: Sequence[Recording], windows: Sequence[np.ndarray]) -> Rows:
        """A row of each recording, the mean of its windows, and those of its noisy copies."""
        recipe, dataset = self.recipe, self.dataset
        labels = dataset.foreground(recordings)
        present = torch.from_numpy(dataset.present(recordings))
        background = recipe.background_weight if recipe.background else 0.0
        targets = shares(torch.from_numpy(labels), present, background).numpy()
        rows = Rows(np.stack([w.mean(axis=0) for w in windows]), targets, labels)
        if not recipe.noisy_copies:
            return rows
        noisy = embed_noisy(
            dataset,
            recordings,
            self.network.encoder,
            recipe.noisy_copies,
            recipe.noisy_levels,
            recipe.noise_folder,
            self.seed,
            cores(),
        )
        copies = [np.asarray(noisy.of(name), np.float32).mean(axis=0) for name in noisy.names]
        return rows.with_copies(np.stack(copies))

    def _fit(self, learned: Rows, own: OwnRows | None) -> None:
        """Fits and puts what was found into the network."""
        recipe, network = self.recipe, self.network
        rows, targets = learned.embeddings, learned.targets
        weights = _class_weights(learned.labels, targets.shape[1], recipe.class_weighting)
        if recipe.mixup:
            mixed = head_fits.mixup(rows, targets, recipe.mixup, stream(self.seed, CHANGES, 0))
            rows, targets = np.concatenate([rows, mixed[0]]), np.concatenate([targets, mixed[1]])
            weights = np.concatenate([weights, weights])
        if recipe.head == "mlp":
            torch_number = torch_seed(self.seed, NETWORK, 0)
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


def _class_weights(labels: np.ndarray, classes: int, weighting: float) -> np.ndarray:
    """Weights of rows, [R], of a mean of 1: by how many rows their class has, to the power."""
    counts = np.bincount(labels, minlength=classes)[labels]
    weights = counts.astype(np.float64) ** -weighting
    return weights / weights.mean()


def _set(layer: torch.nn.Linear, weights: np.ndarray, bias: np.ndarray | None = None) -> None:
    layer.weight.data = torch.from_numpy(np.ascontiguousarray(weights, np.float32))
    if bias is not None:
        layer.bias.data = torch.from_numpy(np.ascontiguousarray(bias, np.float32))
