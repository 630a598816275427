"""What a request trains: the models asked for as they were set, and all that they need."""

import difflib
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from birdml.errors import UserError
from birdml.zoo.load import check_setting, configure, parse_settings, select
from birdml.zoo.needs import check_needs
from birdml.zoo.recipe import Recipe


def plan(
    asked: str, zoo: Mapping[str, Recipe], profile: str = "", settings: str = ""
) -> dict[str, Recipe]:
    """Recipes of the models asked for and of their needs, needs first, otherwise as in the zoo.

    `settings` go to the models asked for, each those that its family reads; what they need follows
    from them, and is trained as the zoo has it, in the same profile. Raises UserError for a setting
    that is unknown, impossible, or read by no model asked for, and for needs that are not there,
    go round in a circle, or do not fit what builds on them.

    >>> from birdml.zoo.load import load_zoo
    >>> list(plan("meta8", load_zoo()))  # its teacher first
    ['meta3', 'meta8']
    """
    names = select(asked, dict(zoo))
    try:
        values = parse_settings(settings)
        for key in values:
            check_setting(key, {zoo[name].family for name in names})
    except ValueError as error:
        raise UserError(f"set: {error}") from None
    recipes = {}
    for name in names:
        own = {k: v for k, v in values.items() if k in zoo[name].setting_names()}
        recipes[name] = configure(zoo[name], profile, own)
    waiting = list(recipes)
    while waiting:
        name = waiting.pop()
        for need in recipes[name].needs:
            if need not in zoo:
                raise UserError(f"{name} needs '{need}', which no zoo file has{_near(need, zoo)}")
            if need not in recipes:
                recipes[need] = configure(zoo[need], profile)
                waiting.append(need)
    order = _needs_first(recipes, zoo)
    for recipe in recipes.values():
        check_needs(recipe, recipes)
    return {name: recipes[name] for name in order}


def _needs_first(recipes: Mapping[str, Recipe], zoo: Mapping[str, Recipe]) -> list[str]:
    try:
        TopologicalSorter({name: recipe.needs for name, recipe in recipes.items()}).prepare()
    except CycleError as error:
        raise UserError(f"models that need each other: {' <- '.join(error.args[1])}") from None
    ordered: list[str] = []

    def add(name: str) -> None:
        if name not in ordered:
            for need in recipes[name].needs:
                add(need)
            ordered.append(name)

    for name in zoo:
        if name in recipes:
            add(name)
    return ordered


def _near(name: str, zoo: Mapping[str, Recipe]) -> str:
    near = difflib.get_close_matches(name, zoo, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
