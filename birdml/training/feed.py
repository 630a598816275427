"""What a training is fed: batches of excerpts and encoded metadata, the same for any machine.

A batch follows from (seed, step) alone, so neither the number of threads nor an interruption
changes what is drawn.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import FIELDS, NOISE_TRAIN, Recording
from birdml.errors import UserError
from birdml.metadata import metadata_table
from birdml.signal.excerpts import Excerpts, TrainingExcerpts, read, validation_batches
from birdml.signal.wav import AudioReader
from birdml.streams import BACKDROPS, BLUR, MARKS, PICK, stream
from birdml.training.backdrops import mix_in
from birdml.training.marks import Marked
from birdml.training.repeats import repeat_weights
from birdml.zoo.parts import Hearing, Labels, Metadata, Passes, Patient, Shares
from birdml.zoo.recipe import Recipe

T = TypeVar("T")
AHEAD = 4  # batches that wait, for each thread that makes them


@dataclass(frozen=True)
class Batch:
    """What a network takes, by name, and what it should say.

    `inputs`: `samples` int16 [B, S] and `metadata` float32 [B, D], as the recipe wants.
    `indices` are rows of the list of recordings, int64 [B]. `complete`, bool [B], tells of which
    examples all that sings is known, and `heard`, bool [B, C], what that is; None where of none.
    """

    indices: np.ndarray
    inputs: dict[str, Tensor]
    foreground: Tensor  # int64 [B]
    present: Tensor  # bool [B, C], foreground and background
    heard: Tensor | None = None
    complete: Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device; pinned memory is copied while the device works."""
        return self._each(lambda x: x.to(device, non_blocking=True))

    def pinned(self) -> "Batch":
        """The batch in memory that a GPU reads by itself."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        inputs = {name: change(x) for name, x in self.inputs.items()}
        known = (None if x is None else change(x) for x in (self.heard, self.complete))
        return Batch(self.indices, inputs, change(self.foreground), change(self.present), *known)


class Feed:
    """Batches of one split of a dataset for one recipe; `pin` puts them into pinned memory.

    Where the loss is of each species on its own, recordings of nothing follow those with a species
    (foreground -1). Raises UserError where the split is empty, a species is unknown, or audio or
    recordings of nothing are asked of a dataset that has none.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        recipe: Recipe,
        seed: int,
        threads: int = 2,
        pin: bool = False,
    ):
        self.recipe, self.seed, self.threads, self.pin = recipe, seed, threads, pin
        self.recordings = labelled(dataset, split)
        self.marked: Marked | None = None
        self.backdrops: AudioReader | None = None
        learns = split == "train" and isinstance(recipe, Hearing)
        if learns and isinstance(recipe, Labels) and recipe.loss == "binary":
            self.recordings += dataset.split(NOISE_TRAIN)
        self.foreground = torch.from_numpy(dataset.foreground(self.recordings))
        self.present = torch.from_numpy(dataset.present(self.recordings))
        self.weights: Tensor | None = None  # of recordings, float32 [N]; None where all are alike
        if isinstance(recipe, Shares) and recipe.repeats:
            weights = repeat_weights(self.recordings, recipe.repeats)
            self.weights = torch.from_numpy(weights)
        if isinstance(recipe, Hearing):
            if not dataset.has_audio:
                raise UserError(
                    f"the dataset '{dataset.name}' has no audio, which {recipe.name} needs; "
                    "train a meta model on it, or prepare it with audio"
                )
            self.reader = AudioReader([dataset.audio_path(r) for r in self.recordings])
            if recipe.marks and dataset.annotations is not None:
                self.marked = Marked(dataset, self.recordings, self.reader.lengths)
            if learns and recipe.noise:
                self.backdrops = _backdrops(dataset, recipe.name)
        nothing = torch.from_numpy(~dataset.present(self.recordings).any(axis=1))
        self.complete = nothing  # bool [N]: all that sings in it is known
        if self.marked is not None:
            self.complete = nothing | torch.from_numpy(self.marked.through)
        if isinstance(recipe, Metadata):
            self.table = metadata_table(self.recordings)
            if not isinstance(recipe, Hearing) and not _says_something(self.table, recipe):
                raise UserError(
                    f"no recording of '{split}' in the dataset '{dataset.name}' has any metadata "
                    f"that {recipe.name} reads ({', '.join(recipe.fields)}): it could only guess; "
                    "prepare the dataset from a source with date, time or place"
                )

    @property
    def unknown_fields(self) -> list[str]:
        """Fields of metadata that the recipe reads, and that no recording has."""
        if not isinstance(self.recipe, Metadata):
            return []
        there = np.isfinite(self.table).any(axis=0)
        return [f for f, known in zip(FIELDS, there) if f in self.recipe.fields and not known]

    @property
    def epoch_steps(self) -> int:
        """Batches of an epoch."""
        recipe = self.recipe
        if isinstance(recipe, Passes) and not recipe.epoch_steps:
            return -(-len(self.recordings) // recipe.batch_size)
        return recipe.epoch_steps if isinstance(recipe, Passes | Patient) else 0

    def epoch(self, number: int) -> Iterator[Batch]:
        """The training batches of an epoch, counted from 1."""
        if not isinstance(self.recipe, Hearing):
            yield from self._metadata_epoch(number)
            return
        draw = self._excerpts()
        first = (number - 1) * self.epoch_steps
        steps = range(first, first + self.epoch_steps)
        yield from self._ahead(lambda step: self._training_batch(draw.batch(step), step), steps)

    def _excerpts(self) -> TrainingExcerpts:
        recipe = self.recipe
        assert isinstance(recipe, Hearing) and isinstance(recipe, Patient)
        return TrainingExcerpts(
            self.reader.lengths,
            recipe.batch_size,
            recipe.excerpt_min,
            recipe.excerpt_max,
            recipe.length_buckets,
            self.seed,
        )

    def _ahead(self, make: Callable[[T], Batch], items: Iterable[T]) -> Iterator[Batch]:
        """A batch of each item in their order, made by threads before it is asked for."""
        left = iter(items)
        with ThreadPoolExecutor(self.threads) as pool:

            def ask(item: T) -> Future[Batch]:
                return pool.submit(make, item)

            waiting = deque(map(ask, islice(left, AHEAD * self.threads)))
            try:
                while waiting:
                    batch = waiting.popleft().result()
                    waiting.extend(map(ask, islice(left, 1)))
                    yield batch
            finally:
                for future in waiting:
                    future.cancel()

    def files_of(self, epoch: int, step: int) -> list[str]:
        """The recordings in one batch of an epoch (steps counted from 0), none of them read."""
        if self.recipe.takes_samples:
            number = (epoch - 1) * self.epoch_steps + step
            rows = self._excerpts().batch(number).indices
        else:
            rows = self._drawn_rows(epoch)[step]
        return [self.recordings[i].file for i in rows]

    def validation(self) -> Iterator[Batch]:
        """All recordings once, in the batches of the per-epoch validation."""
        recipe = self.recipe
        if not isinstance(recipe, Hearing):
            everything = np.arange(len(self.recordings))
            yield self._batch(everything, {"metadata": self._encoded(self.table)})
            return
        assert isinstance(recipe, Patient)
        batches = validation_batches(
            self.reader.lengths, recipe.batch_size, recipe.excerpt_min, recipe.excerpt_max
        )
        yield from self._ahead(self._validation_batch, batches)

    def _validation_batch(self, excerpts: Excerpts) -> Batch:
        if self.marked is not None:
            excerpts = self.marked.on_foreground(excerpts, self.foreground.numpy())
        inputs = {"samples": torch.from_numpy(read(self.reader, excerpts))}
        if self.recipe.takes_metadata:
            inputs["metadata"] = self._encoded(self.table[excerpts.indices])
        return self._batch(excerpts.indices, inputs, excerpts)

    def _training_batch(self, excerpts: Excerpts, step: int) -> Batch:
        recipe = self.recipe
        assert isinstance(recipe, Hearing)
        if self.marked is not None:
            always = isinstance(recipe, Labels) and recipe.loss != "binary"
            rng = stream(self.seed, MARKS, step)
            excerpts = self.marked.around(excerpts, recipe.around_marks, always, rng)
        samples = read(self.reader, excerpts)
        if self.backdrops is not None:
            mix_in(samples, self.backdrops, recipe.noise, stream(self.seed, BACKDROPS, step))
        inputs = {"samples": torch.from_numpy(samples)}
        if self.recipe.takes_metadata:
            rng = stream(self.seed, BLUR, step)
            inputs["metadata"] = self._encoded(self._noisy(self.table[excerpts.indices], rng))
        return self._batch(excerpts.indices, inputs, excerpts)

    def _metadata_epoch(self, number: int) -> Iterator[Batch]:
        # Encoded as one block: 5000 small batches one by one would cost more than their training.
        indices = self._drawn_rows(number)
        rng = stream(self.seed, BLUR, number)
        encoded = self._encoded(self._noisy(self.table[np.concatenate(indices)], rng))
        for rows, metadata in zip(indices, encoded.split([len(rows) for rows in indices])):
            yield self._batch(rows, {"metadata": metadata})

    def _drawn_rows(self, number: int) -> list[np.ndarray]:
        """Recordings of each batch of an epoch of metadata, int64 [B] each."""
        recipe, count = self.recipe, len(self.recordings)
        assert isinstance(recipe, Passes | Patient)
        rng = stream(self.seed, PICK, number)
        if isinstance(recipe, Passes) and not recipe.epoch_steps:
            return np.array_split(rng.permutation(count), self.epoch_steps)
        size = (self.epoch_steps, min(recipe.batch_size, count))
        return list(without_replacement(count, size, rng))

    def _noisy(self, table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        assert isinstance(self.recipe, Metadata)
        return self.recipe.noisy(table, rng)

    def _encoded(self, table: np.ndarray) -> Tensor:
        assert isinstance(self.recipe, Metadata)
        return torch.from_numpy(self.recipe.encoded(table))

    def _batch(
        self, indices: np.ndarray, inputs: dict[str, Tensor], excerpts: Excerpts | None = None
    ) -> Batch:
        rows = torch.from_numpy(indices)
        heard = complete = None
        if excerpts is not None and self.complete.any():
            complete, heard = self.complete[rows], torch.zeros_like(self.present[rows])
            if self.marked is not None:
                heard = torch.from_numpy(self.marked.present(excerpts))
        batch = Batch(indices, inputs, self.foreground[rows], self.present[rows], heard, complete)
        return batch.pinned() if self.pin else batch


def _says_something(table: np.ndarray, recipe: Recipe) -> bool:
    assert isinstance(recipe, Metadata)
    read = [FIELDS.index(field) for field in recipe.fields]
    return bool(np.isfinite(table[:, read]).any())


def _backdrops(dataset: Dataset, name: str) -> AudioReader:
    """The recordings of nothing to mix in; UserError where there is none."""
    found = [r for r in dataset.split(NOISE_TRAIN) if r.samples]
    if not found:
        raise UserError(
            f"{name}: noise mixes recordings of nothing in, and the dataset '{dataset.name}' has "
            "none to train with: prepare it with -P noise=FOLDER, or leave noise at 0"
        )
    return AudioReader([dataset.audio_path(r) for r in found])


def labelled(dataset: Dataset, split: str) -> list[Recording]:
    """The recordings of a split whose species is known; UserError where there is none."""
    found = [r for r in dataset.split(split) if r.species in dataset.label_of]
    if not found:
        raise UserError(
            f"the dataset '{dataset.name}' has no labelled recordings in its split '{split}'; "
            "prepare it again with a larger -P valid"
        )
    return found


def without_replacement(
    population: int, size: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """Rows of distinct numbers below `population`, each set equally likely, int64 [rows, k]."""
    rows, k = size
    if k * k > population:  # duplicates would be the rule: draw row by row
        return np.stack([rng.permutation(population)[:k] for _ in range(rows)])
    drawn = rng.integers(population, size=size)
    while True:
        ordered = np.sort(drawn, axis=1)
        again = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
        if not len(again):
            return drawn
        drawn[again] = rng.integers(population, size=(len(again), k))
