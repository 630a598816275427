"""What is asked of `train`: as a user says it, and in full."""

from collections.abc import Mapping
from dataclasses import dataclass

from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.errors import UserError
from birdml.machine import pick_device
from birdml.zoo.identity import identities
from birdml.zoo.load import load_zoo
from birdml.zoo.plan import plan
from birdml.zoo.recipe import Recipe


@dataclass(frozen=True)
class TrainRequest:
    """The models to train and all that they need, needs first."""

    dataset: Dataset
    recipes: Mapping[str, Recipe]
    identities: Mapping[str, str]
    seed: int
    device: str
    feed_threads: int = 2


@dataclass(frozen=True)
class TrainOptions:
    """What a user asks of `train` (see `train --help`)."""

    model: str
    dataset: str
    profile: str = ""
    set: str = ""
    zoo: str = ""
    device: str = "auto"
    jobs: int = 1
    executor: str = "local"
    gpus_per_model: float = 0.25
    seed: int = 0


def prepare_request(options: TrainOptions) -> TrainRequest:
    """The request in full, with all that it needs; UserError for anything that cannot be."""
    zoo = load_zoo(options.zoo or None)
    recipes = plan(options.model, zoo, options.profile, options.set)
    if options.seed >= 1 << 63:
        raise UserError("seed has more than 64 bits")
    dataset = open_dataset(options.dataset)
    hearing = [name for name in recipes if recipes[name].takes_samples]
    if hearing and not dataset.has_audio:
        raise UserError(
            f"the dataset '{dataset.name}' has no audio, which {', '.join(hearing[:3])} "
            f"{'and others need' if len(hearing) > 3 else 'needs'}; train meta models on it "
            "(-P model=meta), or prepare it with audio"
        )

    device = pick_device(options.device)
    return TrainRequest(
        dataset=dataset,
        recipes=recipes,
        identities=identities(recipes, dataset.digest, options.seed, device),
        seed=options.seed,
        device=device,
    )
