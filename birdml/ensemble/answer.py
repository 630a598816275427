"""What a combination answers: logits of one recording from the members that can hear or read it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from birdml.calibration.reading import Reading
from birdml.ensemble.combination import Combination, combine, usable_weights
from birdml.ensemble.request import ServedRow
from birdml.errors import UserError
from birdml.metadata import metadata_table
from birdml.prediction.detections import best_species
from birdml.prediction.recordings import pooled_logits
from birdml.zoo.parts import Metadata
from birdml.zoo.recipe import Recipe

if TYPE_CHECKING:
    from birdml.networks.build import Network


@dataclass(frozen=True)
class Answer:
    """Logits float32 [C], what they were made from, and whether members had to be left out."""

    logits: np.ndarray
    made_from: str  # "audio", "metadata", "audio and metadata"
    reweighted: bool


def answer(combination: Combination, row: ServedRow) -> Answer:
    """Logits of one recording, by the members whose input is there.

    Without audio the metadata models answer, without metadata the audio models; a combined network
    needs both. The weights of those that answer grow to the sum of all weights.
    Raises UserError where no member can answer.
    """
    recipes = [model.recipe for model, _ in combination.members]
    usable = [_can_answer(recipe, row) for recipe in recipes]
    if not any(usable):
        missing = "audio" if row.samples is None else "date, time or place"
        raise UserError(f"{combination.name} cannot answer without {missing}")
    weights = usable_weights(combination.weights, usable)
    table = metadata_table([row.recording])
    logits = [
        pooled_logits(
            cast("Network", model.network),
            row.samples,
            metadata=recipe.encoded(table)[0] if isinstance(recipe, Metadata) else None,
        )
        for (model, _), recipe, able in zip(combination.members, recipes, usable)
        if able
    ]
    used = [recipe for recipe, able in zip(recipes, usable) if able]
    sources = {
        "audio": any(recipe.takes_samples for recipe in used),
        "metadata": any(recipe.takes_metadata for recipe in used),
    }
    return Answer(
        logits=combine(logits, weights[np.array(usable)]),
        made_from=" and ".join(source for source, there in sources.items() if there),
        reweighted=not all(usable),
    )


def _can_answer(recipe: Recipe, row: ServedRow) -> bool:
    return not (
        (recipe.takes_samples and row.samples is None)
        or (recipe.takes_metadata and not row.has_metadata)
    )


def top_species(
    combination: Combination, logits: np.ndarray, reading: Reading, count: int
) -> list[dict]:
    """The best species of logits [C] that reach their thresholds, at most `count`, best first:
    class id, Latin name and score."""
    nowhere = np.zeros(1)
    return [
        {
            "class_id": combination.species[found.label].class_id,
            "latin_name": combination.species[found.label].latin_name,
            "score": found.score,
        }
        for found in best_species(nowhere, nowhere, logits[None], reading, count)
    ]
