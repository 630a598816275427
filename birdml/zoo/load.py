"""Zoo files: from a few words per model to recipes, in the order of the file."""

import difflib
import fnmatch
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from birdml.dataset.recording import FIELDS
from birdml.errors import UserError
from birdml.zoo.parts import Embedded
from birdml.zoo.recipe import FAMILIES, Recipe, changed, known_settings, make_recipe

HERE = Path(__file__).parent
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

    >>> zoo = load_zoo()
    >>> zoo["meta8"].teacher, zoo["audio3"].pooling
    ('meta3', 'att64')
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
    for key in words:
        check_setting(key, [family])
    if base is not None:
        return changed(zoo[base], words, name)
    return make_recipe(FAMILIES[family], name, words)


def check_setting(key: str, families: Iterable[str]) -> None:
    """ValueError for a setting that there is not, or that no model of these families reads."""
    own = [name for family in families for name in FAMILIES[family].setting_names()]
    if key in own:
        return
    if key not in known_settings():
        near = difflib.get_close_matches(key, own, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise ValueError(f"unknown setting '{key}'{hint}")
    raise ValueError(f"{key} is nothing that {' or '.join(sorted(families))} models read")


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

    >>> small = configure(load_zoo()["audio1"], settings="epochs=3 channels=[16,32]")
    >>> small.epochs, small.channels
    (3, (16, 32))
    """
    values: dict[str, Any] = {}
    try:
        if profile:
            if profile not in profiles():
                raise ValueError(f"unknown profile '{profile}'; there is {', '.join(profiles())}")
            values |= profiles()[profile].get(recipe.family, {})
        given = parse_settings(settings) if isinstance(settings, str) else settings
        for key in given:
            check_setting(key, [recipe.family])
        return changed(recipe, values | given)
    except ValueError as error:
        raise UserError(f"{recipe.name}: {error}") from None


def parse_settings(settings: str) -> dict[str, Any]:
    """`key=value` pairs separated by blanks; values as in TOML, text also without quotes.

    >>> parse_settings("epochs=3 channels=[16,32] pooling=lme1")
    {'epochs': 3, 'channels': [16, 32], 'pooling': 'lme1'}
    """
    values = {}
    for part in settings.split():
        key, equals, text = part.partition("=")
        if not equals:
            raise ValueError(f"setting '{part}' is not of the form field=value")
        try:
            values[key] = tomllib.loads(f"v = {text}")["v"]
        except tomllib.TOMLDecodeError:
            values[key] = text
    return values


def select(names: str, zoo: dict[str, Recipe]) -> list[str]:
    """Names of a request such as `audio1,meta3`, `meta`, `meta*` or `all`, in the zoo's order.

    `all` are those that need no weights of others: heads are asked for by name, or as `head`.

    Raises UserError for a name that no zoo file has.

    >>> select("meta1?,audio1", load_zoo())[:3]
    ['audio1', 'meta10', 'meta11']
    """
    wanted: set[str] = set()
    for word in (w.strip() for w in names.split(",")):
        if word == "all":  # but for what is built on the weights of others
            found = {name for name, recipe in zoo.items() if not isinstance(recipe, Embedded)}
        elif word in FAMILIES:
            found = {name for name, recipe in zoo.items() if recipe.family == word}
        else:
            found = set(fnmatch.filter(zoo, word))
        if not found:
            near = difflib.get_close_matches(word, zoo, n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise UserError(
                f"no model is named '{word}'; {hint}there are audio1..17, meta1..19, combined1, "
                f"the families {', '.join(FAMILIES)}, and all"
            )
        wanted |= found
    return [name for name in zoo if name in wanted]
