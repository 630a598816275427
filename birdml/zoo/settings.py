"""What a setting can be, by its type, and how a value that it cannot be is told."""

from typing import Annotated, Any, dataclass_transform

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

BITS = 1 << 63  # whole numbers stay below, as in TOML
NonNegativeInt = Annotated[int, Field(ge=0, lt=BITS)]
Count = Annotated[int, Field(ge=1, lt=BITS)]
Amount = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Counts = Annotated[tuple[Count, ...], Field(min_length=1)]

TYPES = {"int": "whole number", "float": "number", "string": "text", "bool": "true or false"}
BOUNDS = (("ge", "at least"), ("gt", "above"), ("lt", "below"), ("le", "at most"))
SHOWN = 80  # characters of a value in a message


STRICT = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid")


@dataclass_transform(frozen_default=True)
def part(cls: type) -> Any:
    """A frozen dataclass of settings; values of another type are refused, none is converted."""
    return dataclass(frozen=True, config=STRICT)(cls)


def in_words(error: ValidationError) -> str:
    """The first fault of some settings in one line: what is wrong, and what it can be."""
    fault = error.errors(include_url=False)[0]
    name = str(fault["loc"][0]) if fault["loc"] else ""
    return f"{name} {_fault(fault)}".strip() if name else _fault(fault)


def _fault(fault: Any) -> str:
    kind, limits, value = fault["type"], fault.get("ctx", {}), f"is {fault['input']!r}"[:SHOWN]
    if kind == "value_error":
        return str(limits["error"])
    if kind == "literal_error":
        choices = limits["expected"].replace("'", "").replace(" or ", ", ")
        return f"is '{fault['input']}'; it can be {choices}"
    if kind == "too_short":
        return f"{value}; it must be a list of at least {limits['min_length']}"
    if kind.startswith("tuple"):
        return f"{value}; it must be a list"
    if kind == "unexpected_keyword_argument":
        return "is no setting of this family"
    if limits.get("lt") == BITS:
        return "has more than 64 bits"
    for limit, words in BOUNDS:
        if limit in limits:
            return f"{value}; it must be {words} {limits[limit]:g}"
    if kind == "finite_number":
        return f"{value}; it must be a finite number"
    wanted = TYPES.get(kind.split("_")[0])
    return f"{value}; it must be {wanted}" if wanted else f"{value}: {fault['msg']}"
