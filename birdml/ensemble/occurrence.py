"""Which species a place and time of the year promise, by the models that know both."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch

from birdml.calibration.reading import Reading
from birdml.dataset.recording import FIELDS
from birdml.ensemble.combination import Combination, combine, usable_weights
from birdml.errors import UserError
from birdml.metadata import DAYS_BEFORE
from birdml.networks.build import Network
from birdml.prediction.recordings import on_device
from birdml.zoo.parts import Metadata

AT_ONCE = 4096  # rows of a table that are answered together
WEEKS = 52


def weeks() -> np.ndarray:
    """The day of the year in the middle of each of 52 weeks, float64 [52]."""
    return np.arange(WEEKS) * 7 + 4.0


def dates(days: np.ndarray) -> list[str]:
    """Days of the year as `mm-dd`, in a year without a leap day.

    >>> dates(np.array([1, 60, 365]))
    ['01-01', '03-01', '12-31']
    """
    starts = np.asarray(DAYS_BEFORE)
    months = np.searchsorted(starts, np.asarray(days) - 1, side="right")
    return [f"{m:02d}-{int(d - starts[m - 1]):02d}" for m, d in zip(months, days)]


@torch.inference_mode()
def occurrence(combination: Combination, table: np.ndarray, reading: Reading) -> np.ndarray:
    """Scores of every species for places and times, float64 [N, C].

    Args:
        combination: a model or an ensemble; members that listen are left out, the weights of the
            others grow to the sum of all.
        table: float64 [N, 5] in the order of FIELDS, NaN where unknown.
        reading: how logits become scores.

    Raises:
        UserError: where no member knows place and time without audio.
    """
    recipes = [model.recipe for model, _ in combination.members]
    usable = [recipe.takes_metadata and not recipe.takes_samples for recipe in recipes]
    if not any(usable):
        raise UserError(
            f"{combination.name} has no member that knows date, time and place alone: name a "
            "place or meta model, or an ensemble with one"
        )
    weights = usable_weights(combination.weights, usable)[np.array(usable)]
    members = [model for (model, _), able in zip(combination.members, usable) if able]
    blocks = []
    for first in range(0, len(table), AT_ONCE):
        rows = table[first : first + AT_ONCE]
        logits = [
            cast(Network, model.network)(
                on_device(cast(Network, model.network), cast(Metadata, model.recipe).encoded(rows))
            )
            .cpu()
            .numpy()
            for model in members
        ]
        blocks.append(reading.scores(combine(logits, weights)))
    return np.concatenate(blocks)


def left_out(combination: Combination) -> list[str]:
    """Names of the members that `occurrence` can't ask, since they listen."""
    return [
        member.name
        for member, (model, _) in zip(combination.lineage, combination.members)
        if model.recipe.takes_samples
    ]


def table_of(
    latitude: float | None,
    longitude: float | None,
    elevation: float | None,
    days: Sequence[float],
    minutes: Sequence[float],
) -> np.ndarray:
    """A table [D * M, 5] of one place on each of D days at each of M minutes, days first.

    >>> table_of(-3.1, -60.0, None, [15.0], [360.0, 1080.0])[:, :4].tolist()
    [[15.0, 360.0, -3.1, -60.0], [15.0, 1080.0, -3.1, -60.0]]
    """
    place = [np.nan if value is None else value for value in (latitude, longitude, elevation)]
    rows = [[day, minute, *place] for day in days for minute in minutes]
    return np.array(rows, dtype=np.float64).reshape(-1, len(FIELDS))
