"""The zoo read as an experiment: what one setting is worth, all others being equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from birdml.comparison.statistics import Answers, Interval, interval

if TYPE_CHECKING:
    from birdml.zoo.recipe import Recipe

BLUR_ORDER = ("none", "default", "more")
PHASES = frozenset({"date_phases", "time_phases"})


@dataclass(frozen=True)
class Gain:
    """The mean difference in MAP that a change makes, over pairs (without it, with it)."""

    family: str
    change: str
    gain: Interval
    pairs: tuple[tuple[str, str], ...]
    beside: str = ""  # what differs too in these pairs


def _facts(recipe: Recipe) -> dict:
    """Settings that tell models apart; those without influence are None."""
    facts = recipe.settings()
    for name in ("teacher", "start_from"):
        if name in facts:
            facts[name] = bool(facts[name])
    if "fields" in facts:
        held = facts.pop("fields")
        facts |= {
            "date": "date" in held,
            "time": "time" in held,
            "place": "latitude" in held and "longitude" in held,
            "elevation": "elevation" in held,
        }
        for field in ("date", "time"):
            if not facts[field] and f"{field}_phases" in facts:
                facts[f"{field}_phases"] = None
    return facts


def _left_out(field: str) -> tuple[str, frozenset[str]]:
    return f"{field} left out", frozenset({field, f"{field}_phases"})


# what a change is called, and the settings that may differ with it
FIELD_CHANGES = {field: _left_out(field) for field in ("date", "time", "place", "elevation")}


def _change(before: dict, after: dict) -> tuple[str, frozenset[str]] | None:
    """The change from one model to another, in the direction in which it is read, and its settings.

    None where nothing, or more than one thing, differs, or where it is read the other way round.
    """
    different = {key for key in before if before[key] != after[key]}
    for field, (name, settings) in FIELD_CHANGES.items():
        if field in different:
            return (name, settings) if before[field] and different <= settings | PHASES else None
    rest = different - PHASES
    if not rest:
        return _phases(before, after, different)
    if len(rest) > 1:
        return None
    (key,) = rest
    if key in ("teacher", "background"):
        names = {"teacher": "a teacher", "background": "background species as targets"}
        return (names[key], frozenset(rest)) if after[key] else None
    if key == "blur" and before[key] in BLUR_ORDER and after[key] in BLUR_ORDER:
        there, here = BLUR_ORDER.index(before[key]), BLUR_ORDER.index(after[key])
        name = f"blur: {before[key]} → {after[key]}"
        return (name, frozenset(rest)) if there < here else None
    if key in ("trunk", "pooling"):
        name = f"{key}: {before[key]} → {after[key]}"
        return (name, frozenset(rest)) if _rank(before[key]) < _rank(after[key]) else None
    return None


def _rank(choice: str) -> tuple[bool, str]:
    """Log-mean-exp pooling and the plain trunk come first: changes are read away from them."""
    return choice.startswith("att"), choice


def _phases(before: dict, after: dict, different: set[str]) -> tuple[str, frozenset[str]] | None:
    if len(different) != 1:
        return None
    (key,) = different
    if None in (before[key], after[key]) or before[key] > after[key]:
        return None
    what = "day" if key == "time_phases" else "year"
    return f"phases of the {what}: {before[key]} → {after[key]}", frozenset({key})


def gains(
    recipes: Mapping[str, Recipe], models: Mapping[str, Answers], drawn: np.ndarray
) -> list[Gain]:
    """What each change is worth in MAP, as the mean over all pairs of models that differ in it.

    Args:
        recipes: of the models, by name.
        models: answers for the same N recordings, by name.
        drawn: resamples [R, N]; the interval says how sure the mean over these recordings is.

    Where no pair differs in the change alone, pairs whose phases of date and time differ as well
    are taken, and the gain says so: in the published zoo, blur comes with other phases.
    """
    facts = {name: _facts(recipes[name]) for name in recipes if name in models}
    alone: dict[tuple[str, str], list[tuple[str, str]]] = {}
    beside: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for one, other in combinations(facts, 2):
        for first, second in ((one, other), (other, one)):
            before, after = facts[first], facts[second]
            if recipes[first].family != recipes[second].family:
                continue
            change = _change(before, after)
            if change is None:
                continue
            name, settings = change
            different = {key for key in before if before[key] != after[key]}
            kind = alone if different <= settings else beside
            kind.setdefault((recipes[first].family, name), []).append((first, second))
    found = []
    for key in [*alone, *(key for key in beside if key not in alone)]:
        pairs = alone.get(key) or beside[key]
        change_of = np.mean(
            [models[b].per_recording("map") - models[a].per_recording("map") for a, b in pairs],
            axis=0,
        )
        note = "" if key in alone else "phases of date or time"
        found.append(Gain(*key, interval(change_of, drawn), tuple(pairs), note))
    return sorted(found, key=lambda gain: (gain.family, _order(gain.change), gain.change))


def _order(change: str) -> int:
    starts = ("a teacher", "background", "blur", "date", "time", "place", "elevation", "phases")
    return next((i for i, start in enumerate(starts) if change.startswith(start)), len(starts))


def same_recipe(recipes: Mapping[str, Recipe]) -> list[tuple[str, str]]:
    """Models whose recipes are equal, such as meta3 and meta9 of the zoo."""
    return [
        (one, other)
        for one, other in combinations(recipes, 2)
        if recipes[one].settings() == recipes[other].settings()
    ]
