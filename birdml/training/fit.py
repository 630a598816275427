"""Whether a recipe, a dataset and the models it builds on go together; said before training."""

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.networks.build import Network
from birdml.networks.combined import audio_part
from birdml.signal.spectrogram import num_frames
from birdml.zoo.recipe import Recipe
from birdml.zoo.saved import SavedModel


def check_lengths(recipe: Recipe, network: Network) -> None:
    """UserError where the shortest excerpt gives the network no output over time."""
    audio = audio_part(network)
    assert audio is not None
    needed = audio.receptive_field - 2 * audio.geometry.padding
    frames = int(num_frames(int(recipe.excerpt_min * SAMPLE_RATE)) / (1 + recipe.max_stretch))
    if frames < needed:
        raise UserError(
            f"{recipe.name}: excerpt_min is {recipe.excerpt_min:g} s, of which {frames} frames are "
            f"left in training; its network needs {needed} (1/70 s each): make it longer"
        )


def check_need(recipe: Recipe, dataset: Dataset, need: SavedModel) -> None:
    """UserError where a teacher, or a model to start from, is of other species or takes another
    input."""
    if need.classes != dataset.classes:
        raise UserError(
            f"{recipe.name} needs {need.name}, but the one found knows other species than the "
            f"dataset '{dataset.name}'"
        )
    if need.name == recipe.teacher:
        wanted = ("mel_max", "fields", "date_phases", "time_phases")
        taught = [f for f in wanted if getattr(recipe, f) != getattr(need.recipe, f)]
        if need.recipe.family != recipe.family or (recipe.takes_metadata and taught):
            raise UserError(
                f"{recipe.name} cannot learn from {need.name}: a teacher takes the same input "
                f"({', '.join(['family', *wanted[1:]])})"
            )
