"""What one line of a zoo file means, in full: the recipe of a model, by its family.

A family is what a model takes and how it is trained: the parts that its recipe is made of. Its
word, its parts and the number of its results stand here and nowhere else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import ValidationError

from birdml.dataset.recording import FIELDS
from birdml.zoo.parts import (
    BLURS,
    Embedded,
    Hearing,
    Kernels,
    Labels,
    Metadata,
    Noise,
    Passes,
    Patient,
    Phases,
    Place,
    Shares,
)
from birdml.zoo.settings import Amount, Count, NonNegativeInt, Positive, in_words, part

__all__ = ["BLURS", "FAMILIES", "Recipe"]
PARTS = (Hearing, Embedded, Phases, Place, Noise, Kernels, Labels, Shares, Passes, Patient)


@part
class Recipe:
    """All settings of one model; see the families below.

    Raises ValueError (pydantic's) for a value that cannot be.
    """

    family: ClassVar[str]
    results: ClassVar[int] = 1  # raised when results of the family change
    title: ClassVar[str]
    built_from: ClassVar[tuple[str, ...]] = ()  # families of the models in `start_from`
    name: str

    def __post_init__(self) -> None:
        for problem in self.problems():
            raise ValueError(problem)

    def problems(self) -> Iterator[str]:
        """What the settings cannot have together, each in one line."""
        if isinstance(self, Hearing):
            yield from self.contradictions()
        if isinstance(self, Embedded):
            yield from self.head_contradictions()
        if isinstance(self, Labels):
            yield from self.label_contradictions()
            attention = str(getattr(self, "pooling", "")).startswith("att")
            if self.loss == "step_attention" and not (self.family == "audio" and attention):
                yield "loss 'step_attention' is for audio models with pooling such as 'att16'"
        if len(getattr(self, "start_from", ())) != len(self.built_from):
            yield f"start_from is {self.start_in_words()}, in this order"

    @classmethod
    def start_in_words(cls) -> str:
        """What the models are that it starts from, such as `an audio and a meta model`."""
        kinds = (f"a{'n' if family[0] in 'aeiou' else ''} {family}" for family in cls.built_from)
        return " and ".join(kinds) + " model"

    @property
    def takes_samples(self) -> bool:
        return isinstance(self, Hearing | Embedded)

    @property
    def takes_metadata(self) -> bool:
        return isinstance(self, Metadata)

    def precision(self, device: str) -> str:
        """In what a training computes: bfloat16 of networks that listen, on a GPU; else float32.

        It is part of what a training is: another precision gives another model.
        """
        on_gpu = device.partition(":")[0] == "cuda"
        return "bfloat16" if on_gpu and isinstance(self, Hearing) else "float32"

    @property
    def needs(self) -> tuple[str, ...]:
        """Models that must be trained before this one.

        >>> PlaceKernelRecipe("mine", start_from=("place1", "kernel1")).needs
        ('place1', 'kernel1')
        """
        teacher = getattr(self, "teacher", "")
        return ((teacher,) if teacher else ()) + getattr(self, "start_from", ())

    @classmethod
    def setting_names(cls) -> tuple[str, ...]:
        """Every setting that the family reads."""
        return tuple(f.name for f in fields(cls) if f.name != "name")  # type: ignore[arg-type]

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """A setting's default in the part that it belongs to, as a plain value: what an identity
        is told against."""
        return {
            field.name: list(field.default) if isinstance(field.default, tuple) else field.default
            for source in (cls, *(p for p in PARTS if issubclass(cls, p)))
            for field in fields(source)  # type: ignore[arg-type]
            if field.name != "name"
        }

    def settings(self) -> dict[str, Any]:
        """The family, and every setting but the name, as plain values (tuples become lists).

        >>> MetaRecipe("mine", hidden=(64,)).settings()["hidden"]
        [64]
        """
        values = {"family": self.family} | asdict(self)  # type: ignore[call-overload]
        del values["name"]
        return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}

    def settings_in_use(self) -> dict[str, Any]:
        """The `settings` that count: what people need to see."""
        values = self.settings()
        if values.get("loss") != "binary":
            values.pop("ignored_top", None)
        return values


@part
class AudioRecipe(Patient, Labels, Hearing, Recipe):
    """A network that listens."""

    family = "audio"
    title = "audio models"


@part
class MetaRecipe(Patient, Labels, Phases, Recipe):
    """A network that is told date, time and place, as in 2018."""

    family = "meta"
    title = "metadata models"
    epoch_steps: Count = 5000
    patience_criterion: Literal["valid_loss", "valid_map"] = "valid_map"


@part
class PlaceRecipe(Passes, Shares, Labels, Noise, Place, Recipe):
    """A network that is told features of place, season, hour and elevation."""

    family = "place"
    title = "place models"
    background: bool = True


@part
class KernelRecipe(Passes, Shares, Kernels, Recipe):
    """A count of the training recordings that are near in place, season, hour and elevation."""

    family = "kernel"
    title = "kernel models"
    epoch_steps: NonNegativeInt = 70
    epochs: Count = 1
    learning_rate: Positive = 0.15
    schedule: Literal["one_cycle", "constant"] = "constant"
    weight_decay: Amount = 0.0


@part
class PlaceKernelRecipe(Place, Kernels, Recipe):
    """A place network and a kernel model as they were trained, in one."""

    family = "place_kernel"
    title = "place and kernel models"
    kernel_weight: Amount = 0.4  # of the kernel model's log probabilities
    start_from: tuple[str, ...] = ()
    built_from = ("place", "kernel")

    def encoded(self, table: np.ndarray) -> np.ndarray:
        return np.concatenate([Place.encoded(self, table), Kernels.encoded(self, table)], axis=1)

    @property
    def encoded_size(self) -> int:
        return self.feature_count + len(FIELDS)


@part
class _Combined(Patient, Labels, Hearing):
    """What combined models have in common."""

    metadata_weight: Amount = 0.33  # of metadata logits
    start_from: tuple[str, ...] = ()  # models whose weights it starts from
    learning_rate: Positive = 1e-5
    learning_rate_decay: Positive = 0.5
    patience_criterion: Literal["valid_loss", "valid_map"] = "valid_map"


@part
class CombinedRecipe(_Combined, Phases, Recipe):
    """An audio and a metadata network, whose logits are added."""

    family = "combined"
    title = "combined models"
    built_from = ("audio", "meta")


@part
class CombinedPlaceRecipe(_Combined, Noise, Place, Recipe):
    """An audio and a place network, whose logits are added."""

    family = "combined_place"
    title = "combined models with place"
    built_from = ("audio", "place")


@part
class HeadRecipe(Embedded, Recipe):
    """Species out of the embeddings of a pretrained encoder."""

    family = "head"
    results = 2  # the first layer of an mlp stays in the span of what it learns from
    title = "heads of pretrained encoders"


FAMILIES: dict[str, type[Recipe]] = {
    kind.family: kind
    for kind in (
        *(AudioRecipe, MetaRecipe, PlaceRecipe, KernelRecipe),
        *(PlaceKernelRecipe, CombinedRecipe, CombinedPlaceRecipe, HeadRecipe),
    )
}


def known_settings() -> set[str]:
    """Every setting that a family reads."""
    return {name for kind in FAMILIES.values() for name in kind.setting_names()}


def make_recipe(kind: type[Recipe], name: str, values: Mapping[str, Any]) -> Recipe:
    """A recipe of a family; lists stand for tuples.

    Raises ValueError, in one line that names the setting, for a value that cannot be.
    """
    try:
        return kind(name=name, **{k: _frozen(value) for k, value in values.items()})
    except ValidationError as error:
        raise ValueError(in_words(error)) from None


def changed(recipe: Recipe, values: Mapping[str, Any], name: str = "") -> Recipe:
    """The recipe with other values of some settings, and another name if one is given.

    Raises ValueError as `make_recipe` does.
    """
    kept = {field: getattr(recipe, field) for field in recipe.setting_names()}
    return make_recipe(type(recipe), name or recipe.name, kept | dict(values))


def saved_recipe(name: str, settings: Mapping[str, Any]) -> Recipe:
    """The recipe that `settings()` gave, also of an earlier version.

    Until 0.2 recipes of all families had the same settings; those that the family never read are
    left. Raises ValueError for an unknown family or setting.
    """
    values = dict(settings)
    family = values.pop("family", None)
    if family not in FAMILIES:
        raise ValueError(f"family '{family}' is none of {', '.join(FAMILIES)}")
    own = FAMILIES[family].setting_names()
    unknown = sorted(set(values) - known_settings())
    if unknown:
        raise ValueError(f"{family} models have no setting '{unknown[0]}'")
    return make_recipe(FAMILIES[family], name, {k: v for k, v in values.items() if k in own})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
