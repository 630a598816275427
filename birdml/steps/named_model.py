"""The model that a user names: found, with the members that can answer, and its species by name."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from birdml.dataset.common_names import read_common_names
from birdml.dataset.recording import Species
from birdml.ensemble.combination import LIST, Combination, Member, load_combination, usable_weights
from birdml.errors import UserError
from birdml.prediction.listen import Asked, Members
from birdml.tracking import registry, store
from birdml.zoo.saved import load_model


def find_model(model: str, device: str) -> Combination:
    """A saved model or combination in a folder, a registry URI, or the champion of a name."""
    folder = Path(model)
    if (folder / LIST).is_file():
        return load_combination(folder, device)
    if (folder / "model.json").is_file():
        saved = load_model(folder, device)
        return Combination(saved.name, ((saved, 1.0),), (Member(saved.name, 1.0),))
    if folder.is_dir():
        raise UserError(f"the folder '{model}' holds no model: no {LIST} and no model.json in it")
    client = store.connect()
    version = registry.resolve(client, model)
    place = f"models:/{version.name}/{version.version}"
    found = load_combination(registry.load_registered(client, place), device)
    return replace(found, version=str(version.version))


def usable_members(combination: Combination, asked: Asked) -> Members:
    """The members that can answer, their weights grown to the sum of all.

    Where date, time and place are all unknown, models that take them are left out, as when served;
    UserError where none is left.
    """
    place = (asked.latitude, asked.longitude, asked.elevation)
    known = bool(asked.date or asked.time) or any(value is not None for value in place)
    usable = [known or not model.recipe.takes_metadata for model, _ in combination.members]
    if not any(usable):
        raise UserError(
            f"{combination.name} takes date, time and place: give at least one of them "
            "(-P date=2018-05-03 -P time=06:30 -P latitude=-3.1 -P longitude=-60 -P elevation=90)"
        )
    left_out = [m.name for (m, _), able in zip(combination.members, usable) if not able]
    if left_out:
        scores = "; its scores were calibrated with them" if combination.calibration else ""
        print(f"without date, time and place, left out: {', '.join(left_out)}{scores}")
    return _members_where(usable, combination)


def without_metadata(combination: Combination) -> Members:
    """The members for files of which neither date nor time nor place is known; maybe none."""
    usable = [not model.recipe.takes_metadata for model, _ in combination.members]
    if not any(usable):
        return ()
    return _members_where(usable, combination)


def _members_where(usable: Sequence[bool], combination: Combination) -> Members:
    """Some members, their weights grown to the sum of all."""
    weights = usable_weights([weight for _, weight in combination.members], usable)
    pairs = zip(combination.members, weights, usable)
    return tuple((model, float(weight)) for (model, _), weight, able in pairs if able)


def label_named(option: str, name: str, species: tuple[Species, ...]) -> int:
    """The label of a class id or Latin name; UserError for a species the model doesn't know."""
    for label, one in enumerate(species):
        if name.casefold() in (one.class_id.casefold(), one.latin_name.casefold()):
            return label
    raise UserError(
        f"{option}='{name}': the model knows no such species among its {len(species)}; "
        "use a class id or a Latin name of its label set"
    )


def common_names(path: str, language: str, species: tuple[Species, ...]) -> tuple[str, ...]:
    """Common names of species [C] out of a table, none without one; says how many it has.

    Raises UserError as `read_common_names` does, and for a language without a table.
    """
    if not path:
        if language:
            raise UserError("language is a column of a table of names: give names=FILE too")
        return ()
    found = read_common_names(path, species, language)
    if lacking := len(found) - sum(map(bool, found)):
        print(f"names: {lacking} of {len(found)} species have none in '{path}'")
    return found
