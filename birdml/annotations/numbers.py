"""Columns of numbers as people write them: decimal points or commas, and times of a clock."""

import re
from collections.abc import Sequence

import numpy as np

CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)")
EMPTY = frozenset(("", "na", "nan", "null", "none", "-"))


def numbers(values: Sequence[str]) -> tuple[np.ndarray, list[int], bool]:
    """A column as float64 [M].

    A comma is a decimal mark, unless a point stands in the column too: `1,234.5` then is a
    thousand and more, and `1,5` beside `1.5` is no number. `1:02:03.5` is a time of a clock.

    Returns the numbers, NaN where a value is empty or none; the places of values that are no
    numbers; and whether decimal commas were read.
    """
    try:
        return np.array(list(map(float, values)), dtype=np.float64), [], False
    except ValueError:
        pass
    points = any("." in value for value in values)
    result = np.full(len(values), np.nan)
    broken, commas = [], False
    for place, value in enumerate(values):
        value = value.strip()
        if value.casefold() in EMPTY:
            continue
        clock = CLOCK.fullmatch(value)
        try:
            if clock:
                hours, minutes, seconds = clock.groups(default="0")
                rest = float(seconds.replace(",", "."))
                result[place] = 3600 * int(hours) + 60 * int(minutes) + rest
            elif "," not in value:
                result[place] = float(value)
            elif not points:
                result[place] = float(value.replace(",", ".", 1))
                commas = True
            elif re.fullmatch(r"-?\d{1,3}(,\d{3})+\.\d*", value):
                result[place] = float(value.replace(",", ""))
            else:
                broken.append(place)
        except ValueError:
            broken.append(place)
    return result, broken, commas
