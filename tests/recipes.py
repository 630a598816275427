"""Small recipes of any family."""

from birdml.zoo.recipe import FAMILIES, Recipe, make_recipe

SMALL = {"channels": (4, 6), "width": 12, "hidden": (8, 8), "units": 8}
STARTS = {
    "combined": ("audio", "meta"),
    "combined_place": ("audio", "place"),
    "place_kernel": ("place", "kernel"),
}


def small_recipe(name: str, family: str, **settings) -> Recipe:
    """A recipe of a family; of SMALL, it takes what the family reads."""
    own = {key: value for key, value in SMALL.items() if key in FAMILIES[family].setting_names()}
    if family in STARTS:
        own["start_from"] = STARTS[family]
    return make_recipe(FAMILIES[family], name, own | settings)
