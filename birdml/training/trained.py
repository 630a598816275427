"""What a training starts from, what it reports to, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from birdml.dataset.prepared import Dataset
from birdml.networks.build import Network
from birdml.training.checkpoint import Checkpoint
from birdml.zoo.recipe import Recipe
from birdml.zoo.saved import SavedModel


@dataclass(frozen=True)
class Setup:
    """What a training starts from; `needs` holds the models that `recipe.needs` names."""

    recipe: Recipe
    dataset: Dataset
    seed: int
    needs: Mapping[str, SavedModel] = field(default_factory=dict)
    device: str = "cpu"
    feed_threads: int = 2


class Recorder(Protocol):
    """What a training reports to. Epochs are counted from 1."""

    def resume(self) -> Checkpoint | None:
        """The state to go on from, or None to start afresh."""

    def epoch(self, metrics: dict[str, float], state: Checkpoint) -> None:
        """The figures and the state at the end of an epoch."""


class Diverged(RuntimeError):
    """The loss is NaN or infinite; the message names the batch and its recordings."""


@dataclass(frozen=True)
class Trained:
    """The network in its best state, and how it got there."""

    network: Network
    history: list[dict] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0
