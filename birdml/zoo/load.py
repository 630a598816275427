"""Zoo files: from a few words per model to recipes, in the order of the file."""

import difflib
import fnmatch
import math
import re
import tomllib
from dataclasses import replace
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, get_type_hints

from birdml.errors import UserError
from birdml.zoo.recipe import FAMILIES, FIELDS, Recipe, unread_by

HERE = Path(__file__).parent
FAMILY_SETTINGS: dict[str, dict[str, Any]] = {
    "audio": {},
    "meta": {"epoch_steps": 5000, "patience_criterion": "valid_map"},
    "combined": {
        "learning_rate": 1e-5,
        "learning_rate_decay": 0.5,
        "patience_criterion": "valid_map",
    },
}
WITHOUT = {
    "date": ("date",),
    "time": ("time",),
    "location": ("latitude", "longitude"),
    "elevation": ("elevation",),
}


def load_zoo(extra: str | Path | None = None) -> dict[str, Recipe]:
    """The 37 models, then those of a user's own file, by name.

    A line of `extra` may say `base = "audio10"` and what differs from it. Raises UserError, with
    file and line, for an unknown or impossible setting, a name taken, or a base or teacher that
    does not exist.
    """
    zoo = dict(_published())
    if extra:
        zoo.update(_read(Path(extra), zoo))
    return zoo


@cache
def _published() -> dict[str, Recipe]:
    return _read(HERE / "zoo.toml", {})


def _read(path: Path, known: dict[str, Recipe]) -> dict[str, Recipe]:
    try:
        text = path.read_text(encoding="utf-8")
        sections = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the zoo file '{path}': {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"the zoo file '{path}' is no TOML: {error}") from None
    recipes: dict[str, Recipe] = {}
    for family, models in sections.items():
        if family not in FAMILIES or not isinstance(models, dict):
            raise UserError(
                f"{path}: '{family}' is no family; sections are [{'], ['.join(FAMILIES)}]"
            )
        for name, words in models.items():
            try:
                if name in known:
                    raise ValueError("this name is taken by a published model")
                if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
                    raise ValueError("a name is letters, digits, '_' and '-', a letter first")
                if not isinstance(words, dict):
                    raise ValueError("a model is a table of settings")
                recipes[name] = _recipe(name, family, words, {**known, **recipes})
            except ValueError as error:
                raise UserError(f"{path}, line {_line(text, name)}: {name}: {error}") from None
    for recipe in recipes.values():
        for need in recipe.needs:
            if need not in recipes and need not in known:
                raise UserError(
                    f"{path}, line {_line(text, recipe.name)}: {recipe.name} needs '{need}', "
                    "which no zoo file has"
                )
    _refuse_circles(path, text, {**known, **recipes})
    return recipes


def _refuse_circles(path: Path, text: str, zoo: dict[str, Recipe]) -> None:
    try:
        TopologicalSorter({name: recipe.needs for name, recipe in zoo.items()}).prepare()
    except CycleError as error:
        circle = error.args[1]
        raise UserError(
            f"{path}, line {_line(text, circle[0])}: teachers in a circle: {' <- '.join(circle)}"
        ) from None


def _recipe(name: str, family: str, words: dict, zoo: dict[str, Recipe]) -> Recipe:
    words = dict(words)
    base = words.pop("base", None)
    if base is not None and base not in zoo:
        raise ValueError(f"base '{base}' is no model")
    if base is not None and zoo[base].family != family:
        raise ValueError(f"base '{base}' is of the family {zoo[base].family}, not {family}")
    if "phases" in words:
        phases = words.pop("phases")
        if not (isinstance(phases, list) and len(phases) == 2):
            raise ValueError("phases are two counts, of date and time")
        words["date_phases"], words["time_phases"] = phases
    if "without" in words:
        left_out = words.pop("without")
        if left_out not in WITHOUT:
            raise ValueError(f"without is '{left_out}'; it can be {', '.join(WITHOUT)}")
        words["fields"] = [field for field in FIELDS if field not in WITHOUT[left_out]]
    values = {key: check_value(key, value) for key, value in words.items()}
    for key in values:
        if key in unread_by(family):
            raise ValueError(f"{key} is nothing that {family} models read")
    if base is not None:
        return replace(zoo[base], name=name, **values)
    return Recipe(name, family, **FAMILY_SETTINGS[family] | values)


def check_value(key: str, value: Any) -> Any:
    """A setting's value in the type of its field; ValueError for an unknown field or wrong type."""
    types = get_type_hints(Recipe)
    if key not in types or key in ("name", "family"):
        raise ValueError(f"unknown setting '{key}'{_similar(key, types)}")
    kind = types[key]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        raise ValueError(f"{key} has more than 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key} is {value}; it must be a finite number")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in (int, float, str, bool):
        if type(value) is not kind:
            raise ValueError(f"{key} is {value!r}; it must be {_kind_name(kind)}")
        return value
    item = kind.__args__[0]
    if not isinstance(value, list | tuple) or any(type(v) is not item for v in value):
        raise ValueError(f"{key} is {value!r}; it must be a list of {_kind_name(item)}")
    return tuple(value)


def _kind_name(kind: type) -> str:
    return {int: "whole number", float: "number", str: "text", bool: "true or false"}[kind]


def _similar(key: str, names: dict) -> str:
    near = difflib.get_close_matches(key, [n for n in names if n != "name"], n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _line(text: str, name: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf'\s*(\[\w+\.)?"?{re.escape(name)}"?\s*[=\].]', line):
            return number
    return 1


@cache
def profiles() -> dict[str, dict[str, dict]]:
    """Profile -> family -> settings that it changes."""
    return tomllib.loads((HERE / "profiles.toml").read_text(encoding="utf-8"))


def configure(recipe: Recipe, profile: str = "", settings: str | dict[str, Any] = "") -> Recipe:
    """The recipe under a profile, then with settings such as `epochs=3 channels=[16,32]`, or their
    values by name.

    Raises UserError for an unknown profile, or a setting that is unknown or impossible.
    """
    values: dict[str, Any] = {}
    try:
        if profile:
            if profile not in profiles():
                raise ValueError(f"unknown profile '{profile}'; there is {', '.join(profiles())}")
            for key, value in profiles()[profile].get(recipe.family, {}).items():
                values[key] = check_value(key, value)
        values |= parse_settings(settings) if isinstance(settings, str) else settings
        return replace(recipe, **values)
    except ValueError as error:
        raise UserError(f"{recipe.name}: {error}") from None


def parse_settings(settings: str) -> dict[str, Any]:
    """`key=value` pairs separated by blanks; values as in TOML, text also without quotes."""
    values = {}
    for part in settings.split():
        key, equals, text = part.partition("=")
        if not equals:
            raise ValueError(f"setting '{part}' is not of the form field=value")
        try:
            value = tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            value = text
        values[key] = check_value(key, value)
    return values


def select(names: str, zoo: dict[str, Recipe]) -> list[str]:
    """Names of a request such as `audio1,meta3`, `meta`, `meta*` or `all`, in the zoo's order.

    Raises UserError for a name that no zoo file has.
    """
    wanted: set[str] = set()
    for word in (w.strip() for w in names.split(",")):
        if word == "all":
            found = set(zoo)
        elif word in FAMILIES:
            found = {name for name, recipe in zoo.items() if recipe.family == word}
        else:
            found = set(fnmatch.filter(zoo, word))
        if not found:
            near = difflib.get_close_matches(word, zoo, n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise UserError(
                f"no model is named '{word}'; {hint}there are audio1..17, meta1..19, combined1, "
                "the families audio, meta, combined, and all"
            )
        wanted |= found
    return [name for name in zoo if name in wanted]
