"""Whether a recipe, a dataset and the models it builds on go together; said before training."""

from collections.abc import Mapping

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.networks.build import Network
from birdml.networks.combined import audio_part
from birdml.signal.spectrogram import num_frames
from birdml.zoo.needs import check_needs
from birdml.zoo.parts import Hearing
from birdml.zoo.recipe import Recipe
from birdml.zoo.saved import SavedModel


def check_lengths(name: str, recipe: Hearing, network: Network) -> None:
    """UserError where the shortest excerpt gives the network no output over time."""
    audio = audio_part(network)
    assert audio is not None
    needed = audio.receptive_field - 2 * audio.geometry.padding
    frames = int(num_frames(int(recipe.excerpt_min * SAMPLE_RATE)) / (1 + recipe.max_stretch))
    if frames < needed:
        raise UserError(
            f"{name}: excerpt_min is {recipe.excerpt_min:g} s, of which {frames} frames are left "
            f"in training; its network needs {needed} (1/70 s each): make it longer"
        )


def check_models(recipe: Recipe, dataset: Dataset, needs: Mapping[str, SavedModel]) -> None:
    """UserError where a teacher, or a model to start from, is of other species, takes another
    input, or has other settings of its network."""
    for name in recipe.needs:
        if needs[name].classes != dataset.classes:
            raise UserError(
                f"{recipe.name} needs {name}, but the one found knows other species than the "
                f"dataset '{dataset.name}'"
            )
    check_needs(recipe, {name: needs[name].recipe for name in recipe.needs})
