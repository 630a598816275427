"""Whether a model can build on another, by their recipes alone; said before anything is trained."""

from collections.abc import Mapping

from birdml.errors import UserError
from birdml.zoo.parts import Labels
from birdml.zoo.recipe import Recipe

# What a teacher and its student must have in common, beside their family.
TAUGHT = "mel_max fields date_phases time_phases features degree"
# What a network's weights belong to: those of a part go into a network of the same settings.
SHAPES = {
    "audio": "filterbank mel_bands mel_min mel_max magnitude trunk channels width shifts pooling "
    "conv_groups dense_groups layer_pooling dilated",
    "meta": "fields date_phases time_phases hidden",
    "place": "fields features degree units blocks",
    "kernel": "fields kernels",
}


def check_needs(recipe: Recipe, needs: Mapping[str, Recipe]) -> None:
    """UserError where a teacher takes another input, or a part is no part of a combined network.

    `needs` holds the recipes that `recipe.needs` names.
    """
    if isinstance(recipe, Labels) and recipe.teacher:
        _check_teacher(recipe, needs[recipe.teacher])
    if recipe.built_from:
        _check_parts(recipe, needs)


def _check_teacher(recipe: Recipe, teacher: Recipe) -> None:
    wanted = [key for key in TAUGHT.split() if key in recipe.setting_names()]
    taught = [key for key in wanted if getattr(recipe, key) != getattr(teacher, key, None)]
    if teacher.family != recipe.family or (recipe.takes_metadata and taught):
        raise UserError(
            f"{recipe.name} cannot learn from {teacher.name}: a teacher takes the same input "
            f"({', '.join(['family', *(key for key in wanted if key != 'mel_max')])})"
        )


def _check_parts(recipe: Recipe, needs: Mapping[str, Recipe]) -> None:
    names = recipe.start_from  # type: ignore[attr-defined]
    if tuple(needs[name].family for name in names) != recipe.built_from:
        raise UserError(
            f"{recipe.name} starts from {', '.join(names)}; start_from is "
            f"{recipe.start_in_words()}, in this order"
        )
    for name in names:
        for key in SHAPES[needs[name].family].split():
            own, other = getattr(recipe, key), getattr(needs[name], key)
            if own != other:
                raise UserError(
                    f"{recipe.name} cannot start from {name}: its {key} is {_shown(other)}, not "
                    f"{_shown(own)}; weights fit a network of the same settings only (a setting "
                    f"that is given for {recipe.name} and {name} alike goes to both)"
                )


def _shown(value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value)
