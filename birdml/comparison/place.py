"""What date, time and place added to what was heard: the same models with and without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from birdml.comparison.statistics import Answers, Interval, interval

FEWEST = 3  # recordings of a species whose mean is shown
SHOWN = 8  # species that gain most, and that lose most


@dataclass(frozen=True)
class Alone:
    """What a model answers without date, time and place, and what that is in words."""

    answers: Answers
    words: str


@dataclass(frozen=True)
class SpeciesGain:
    """Of one species: its name, its recordings, and how much higher their mean 1 / rank is."""

    species: str
    recordings: int
    gain: float


@dataclass(frozen=True)
class PlaceGain:
    """What a model gains: MAP and MAP-bg less those without date, time and place; the species that
    gain and those that lose most, and how many do either."""

    model: str
    without: str
    gain: Interval
    gain_bg: Interval
    most: tuple[SpeciesGain, ...]
    least: tuple[SpeciesGain, ...]
    better: int
    worse: int


def place_gain(
    model: str,
    answers: Answers,
    alone: Alone,
    foreground: np.ndarray,
    names: Sequence[str],
    drawn: np.ndarray,
) -> PlaceGain:
    """How much better a model is than without date, time and place.

    Args:
        model: its name.
        answers: of N recordings, with date, time and place.
        alone: of the same recordings, without.
        foreground: their labels, int [N]; -1 where unknown.
        names: of the species [C].
        drawn: resamples [R, N].
    """
    gains = answers.per_recording("map") - alone.answers.per_recording("map")
    known = foreground >= 0
    counts = np.bincount(foreground[known], minlength=len(names))
    sums = np.bincount(foreground[known], weights=gains[known], minlength=len(names))
    shown = np.flatnonzero(counts >= FEWEST)
    means = sums[shown] / counts[shown]
    order = np.argsort(-means, kind="stable")

    def listed(places: np.ndarray) -> tuple[SpeciesGain, ...]:
        return tuple(
            SpeciesGain(names[shown[i]], int(counts[shown[i]]), float(means[i])) for i in places
        )

    better, worse = order[means[order] > 0], order[::-1][means[order[::-1]] < 0]
    return PlaceGain(
        model,
        alone.words,
        interval(gains, drawn),
        interval(answers.precision - alone.answers.precision, drawn),
        listed(better[:SHOWN]),
        listed(worse[:SHOWN]),
        len(better),
        len(worse),
    )
