"""Everything that a comparison says, as numbers: from answers to intervals and gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from birdml.comparison.grid import Gain, gains, same_recipe
from birdml.comparison.place import Alone, PlaceGain, place_gain
from birdml.comparison.statistics import (
    CRITERIA,
    Answers,
    Interval,
    agreement,
    interval,
    resamples,
    wins,
)
from birdml.errors import UserError

if TYPE_CHECKING:
    from birdml.zoo.recipe import Recipe


@dataclass(frozen=True)
class Compared:
    """One model: what it answered for the validation recordings, what it is and what it cost."""

    name: str
    family: str
    answers: Answers
    recipe: Recipe | None = None  # None for an ensemble
    members: tuple[tuple[str, float], ...] = ()  # of an ensemble: names and weights
    honest: tuple[float, float] | None = None  # MAP, MAP-bg with weights from other recordings
    minutes: float | None = None  # of training, or of search
    device: str = ""
    alone: Alone | None = None  # without date, time and place, where it has them


@dataclass(frozen=True)
class Report:
    """Models by descending MAP (K), with what is said of each, of pairs and of settings."""

    dataset: str
    recordings: int
    classes: int
    models: tuple[Compared, ...]
    scores: tuple[dict[str, Interval], ...]  # per model: criterion -> interval
    behind: tuple[Interval, ...]  # per model: MAP less than the first one's
    wins: np.ndarray  # [K, K], of 50
    agreement: np.ndarray  # [K, K]
    gains: tuple[Gain, ...]
    chance: tuple[tuple[str, str, Interval], ...]  # equal recipe, other seed: difference in MAP
    same: tuple[tuple[str, str], ...]  # equal recipe and every answer equal: one model twice
    over: str = "recordings"  # what is drawn anew for the intervals
    units: int = 0  # how many of them there are
    stands_for: str = ""  # what the validation recordings stand for
    place: tuple[PlaceGain, ...] = ()  # of models that know date, time and place and can do without

    @property
    def ensemble(self) -> int | None:
        """Index of the ensemble with the best MAP + MAP-bg, or None."""
        totals = {
            i: self.scores[i]["map"].value + self.scores[i]["map_bg"].value
            for i, model in enumerate(self.models)
            if model.family == "ensemble"
        }
        return max(totals, key=totals.__getitem__) if totals else None


def compare(
    dataset: str,
    classes: int,
    models: Sequence[Compared],
    over: str = "recordings",
    groups: np.ndarray | None = None,
    stands_for: str = "",
    foreground: np.ndarray | None = None,
    species: Sequence[str] = (),
) -> Report:
    """Compares models on the recordings that all of them answered, in one order.

    Args:
        dataset: its name.
        classes: number of species C.
        models: with answers for the same N recordings.
        over: what is drawn anew for the intervals, in words.
        groups: of recordings that are drawn together, int [N] in 0..G-1; None: each by itself.
        stands_for: what the validation recordings stand for, in words.
        foreground: their labels, int [N], -1 where unknown; with the names of the `species` [C],
            the report tells what date, time and place added.

    Raises UserError where there is no model, or no recording.
    """
    if not models:
        raise UserError("nothing to compare: no model of this dataset has finished; train some")
    recordings = len(models[0].answers.rank)
    if not recordings:
        raise UserError("nothing to compare: the dataset has no validation recordings")
    ordered = sorted(models, key=lambda m: -float(m.answers.per_recording("map").mean()))
    drawn = resamples(recordings, groups)
    answers = [m.answers for m in ordered]
    by_name = {m.name: m.answers for m in ordered}
    recipes = {m.name: m.recipe for m in ordered if m.recipe is not None}
    twins = same_recipe(recipes)
    same = [pair for pair in twins if _equal(by_name[pair[0]], by_name[pair[1]])]
    return Report(
        dataset=dataset,
        recordings=recordings,
        classes=classes,
        models=tuple(ordered),
        scores=tuple(
            {name: interval(one.per_recording(name), drawn) for name in CRITERIA} for one in answers
        ),
        behind=tuple(_difference(one, answers[0], drawn) for one in answers),
        wins=wins(answers),
        agreement=agreement(answers),
        gains=tuple(gains(recipes, by_name, drawn)),
        chance=tuple(
            (one, other, _difference(by_name[one], by_name[other], drawn))
            for one, other in twins
            if (one, other) not in same
        ),
        same=tuple(same),
        over=over,
        units=recordings if groups is None else int(groups.max()) + 1,
        stands_for=stands_for,
        place=()
        if foreground is None
        else tuple(
            place_gain(m.name, m.answers, m.alone, foreground, species, drawn)
            for m in ordered
            if m.alone is not None
        ),
    )


def _equal(one: Answers, other: Answers) -> bool:
    return bool(
        np.array_equal(one.rank, other.rank) and np.array_equal(one.precision, other.precision)
    )


def _difference(one: Answers, other: Answers, drawn: np.ndarray) -> Interval:
    """How much higher the MAP of the other is; paired, so much surer than either figure."""
    return interval(other.per_recording("map") - one.per_recording("map"), drawn)
