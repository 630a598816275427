"""The page about the zoo: all settings with their defaults, all models, an example that loads."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

from birdml.zoo.load import load_zoo
from birdml.zoo.parts import (
    Embedded,
    Hearing,
    Kernels,
    Labels,
    Noise,
    Passes,
    Patient,
    Phases,
    Place,
    Shares,
)
from birdml.zoo.recipe import FAMILIES

PAGE = (Path(__file__).parents[2] / "docs" / "zoo.md").read_text(encoding="utf-8")


def shown(value):
    return value if isinstance(value, str) and value else json.dumps(value)


PARTS = {
    "Hearing": Hearing,
    "Embedded": Embedded,
    "Phases": Phases,
    "Place": Place,
    "Noise": Noise,
    "Kernels": Kernels,
    "Labels": Labels,
    "Shares": Shares,
    "Patience": Patient,
    "Passes": Passes,
}


def plain(value):
    return list(value) if isinstance(value, tuple) else value


def rows_of(text):
    """The names in the first cell of each row of three, and its second cell."""
    for row in text.splitlines():
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        names = re.findall(r"`(\w+)`", cells[0]) if len(cells) == 3 else []
        if names:
            yield names, cells


def test_every_setting_is_explained_with_its_default():
    for title, part in PARTS.items():
        explained = {}
        for names, cells in rows_of(PAGE.split(f"### {title}\n")[1].split("\n#")[0]):
            defaults = cells[1].split(", ") if len(names) > 1 else cells[1:2]
            explained |= dict(zip(names, defaults, strict=True))
        assert explained == {f.name: shown(plain(f.default)) for f in fields(part)}, title


def test_every_family_is_explained_with_its_parts_and_its_own_defaults():
    table = PAGE.split("## All settings")[1].split("### Hearing")[0]
    said = {names[0]: cells for names, cells in rows_of(table)}
    assert list(said) == list(FAMILIES)
    for family, (_, parts, own) in said.items():
        kind = FAMILIES[family]
        assert {PARTS[word.capitalize()] for word in parts.split(", ")} == {
            part for part in PARTS.values() if issubclass(kind, part)
        }, family
        defaults = {f.name: plain(f.default) for f in fields(kind) if f.name != "name"}
        changed = {k: v for k, v in defaults.items() if kind.defaults()[k] != v}
        changed |= {
            k: v
            for k, v in defaults.items()
            if not any(hasattr(p, k) for p in PARTS.values() if issubclass(kind, p))
        }
        if own != "as `combined`":
            told = dict(re.findall(r"`(\w+)` ([^,|]+)", own))
            assert told == {key: shown(value) for key, value in changed.items()}, family


def test_the_grid_says_what_the_zoo_says():
    zoo = load_zoo()
    for row in re.findall(r"^\| `audio\d.*", PAGE, re.MULTILINE):
        name, trunk, pooling, background, teacher = (
            cell.strip(" `") for cell in row.split("|")[1:-1]
        )
        recipe = zoo.pop(name)
        assert (trunk, pooling, teacher) == (recipe.trunk, recipe.pooling, recipe.teacher), name
        assert (background == "yes") == recipe.background, name
    for row in re.findall(r"^\| `meta\d.*", PAGE, re.MULTILINE):
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        names = re.findall(r"`(\w+)`", cells[0])
        if ".." in cells[0]:
            first, last = (int(name.removeprefix("meta")) for name in names)
            names = [f"meta{number}" for number in range(first, last + 1)]
        for name, without in zip(names, cells[3].split(", ") if cells[3] else [""] * len(names)):
            recipe = zoo.pop(name)
            phases = f"{recipe.date_phases}, {recipe.time_phases}"
            assert cells[1:3] == [recipe.blur, phases] and recipe.background, name
            assert cells[4].strip("`") == recipe.teacher, name
            gone = {"": (), "location": ("latitude", "longitude")}.get(without, (without,))
            assert not set(gone) & set(recipe.fields) and len(gone) + len(recipe.fields) == 5, name
    assert [n for n, recipe in zoo.items() if recipe.family != "head"] == [
        *("combined1", "place1", "place2", "place3", "combined2")
    ]


def test_the_example_is_a_zoo_file(tmp_path):
    example = PAGE.split("```toml\n")[1].split("```")[0]
    (tmp_path / "my.toml").write_text(example)
    own = list(load_zoo(tmp_path / "my.toml"))[len(load_zoo()) :]
    assert own == [name for models in tomllib.loads(example).values() for name in models]
