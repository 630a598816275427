"""The page about the zoo: all settings with their defaults, all models, an example that loads."""

import json
import re
import tomllib
from pathlib import Path

from birdml.zoo.load import load_zoo
from birdml.zoo.recipe import Recipe

PAGE = (Path(__file__).parents[2] / "docs" / "zoo.md").read_text(encoding="utf-8")


def shown(value):
    return value if isinstance(value, str) and value else json.dumps(value)


def test_every_setting_is_explained_with_its_default():
    rows = PAGE.split("## All settings")[1].splitlines()
    explained = {}
    for row in rows:
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        names = re.findall(r"`(\w+)`", cells[0]) if len(cells) == 3 else []
        defaults = cells[1].split(", ") if len(names) > 1 else cells[1:2]
        explained |= dict(zip(names, defaults, strict=bool(names)))
    settings = Recipe("any").settings()
    del settings["family"]
    assert explained == {name: shown(value) for name, value in settings.items()}


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
    assert list(zoo) == ["combined1"]


def test_the_example_is_a_zoo_file(tmp_path):
    example = PAGE.split("```toml\n")[1].split("```")[0]
    (tmp_path / "my.toml").write_text(example)
    own = list(load_zoo(tmp_path / "my.toml"))[37:]
    assert own == [name for models in tomllib.loads(example).values() for name in models]
