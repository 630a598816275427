"""What was repaired or left out on the way to a dataset: the rows of `problems.csv`."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from birdml.files import csv_text, write_text

LONGEST = 300  # characters of a value that is shown whole


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One row of `problems.csv`: what was repaired or left out, and why."""

    file: str  # relative to the source, or the name of the recording
    field: str
    old: str
    done: str


def write_problems(folder: Path, problems: Iterable[Problem]) -> None:
    """Each problem once, in an order that depends on nothing but themselves."""
    rows = [tuple(map(shortened, astuple(problem))) for problem in sorted(set(problems))]
    write_text(folder / "problems.csv", csv_text(tuple(Problem.__dataclass_fields__), rows))


def shortened(text: str) -> str:
    """A text that people can read: without control characters, its middle left out if long.

    >>> shortened("a" * 500) == "a" * 150 + " ... " + "a" * 50
    True
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return text if len(text) <= LONGEST else f"{text[:150]} ... {text[-50:]}"
