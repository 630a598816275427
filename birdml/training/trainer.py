"""One model from nothing to its best state; reports to a recorder that is handed in."""

from collections.abc import Mapping

from birdml.dataset.prepared import Dataset
from birdml.training.epochs import EpochTraining
from birdml.training.heads import HeadTraining
from birdml.training.kernels import KernelTraining
from birdml.training.trained import Recorder, Setup, Trained
from birdml.zoo.recipe import Recipe
from birdml.zoo.saved import SavedModel

# How a family is trained, where it is not simply in epochs.
TRAININGS: dict[str, type[EpochTraining] | type[HeadTraining]] = {
    "head": HeadTraining,
    "kernel": KernelTraining,
}


def train(
    recipe: Recipe,
    dataset: Dataset,
    seed: int,
    recorder: Recorder,
    *,
    needs: Mapping[str, SavedModel] | None = None,
    device: str = "cpu",
    feed_threads: int = 2,
) -> Trained:
    """Trains a model as its recipe says; the same seed gives the same numbers on a CPU.

    `needs` holds the models that `recipe.needs` names. Raises UserError for a dataset or teacher
    that does not fit, Diverged where the loss is no number any more.
    """
    setup = Setup(recipe, dataset, seed, needs or {}, device, feed_threads)
    return TRAININGS.get(recipe.family, EpochTraining)(setup).run(recorder)
