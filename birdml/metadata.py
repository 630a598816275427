"""Date, time and place of recordings as the input of a network.

A table is float64 [N, 5]: day of year, minute of day, latitude, longitude, elevation, with NaN
for what is unknown. Training blurs and drops values in the table, then encodes it.
"""

import re
from collections.abc import Sequence

import numpy as np

from birdml.dataset.recording import FIELDS, Recording

PERIODS = {"date": 365.0, "time": 1440.0}  # days, minutes
SCALES = {  # mean and deviation
    "latitude": (-6.4, 12.0),
    "longitude": (-62.0, 12.0),
    "elevation": (967.0, 988.0),
}
DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)  # each month, no leap year
DATE = re.compile(r"(\d+)-(\d+)-(\d+)")
TIME = re.compile(r"(\d+):(\d+)(?::(\d+))?")


def day_of_year(date: str) -> float:
    """Day number of a date `yyyy-mm-dd` in a year without leap day; NaN for anything else.

    The last of February in a leap year and the first of March are both day 60.

    >>> day_of_year("2018-03-01")
    60.0
    """
    match = DATE.fullmatch(date.strip())
    if not match:
        return np.nan
    _, month, day = map(int, match.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return np.nan
    return float(DAYS_BEFORE[month - 1] + day)


def minute_of_day(time: str) -> float:
    """Minutes since midnight of a time `hh:mm` or `hh:mm:ss`; NaN for anything else.

    >>> minute_of_day("06:30")
    390.0
    """
    match = TIME.fullmatch(time.strip())
    if not match:
        return np.nan
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    if hours > 24 or minutes > 59 or seconds > 59:
        return np.nan
    return hours * 60 + minutes + seconds / 60


def metadata_table(recordings: Sequence[Recording]) -> np.ndarray:
    """Date, time and place of recordings, float64 [N, 5] in the order of FIELDS.

    Days, minutes, degrees, degrees, metres; NaN where unknown.
    """
    table = np.full((len(recordings), len(FIELDS)), np.nan)
    for row, recording in enumerate(recordings):
        table[row, 0] = day_of_year(recording.date)
        table[row, 1] = minute_of_day(recording.time)
        place = (recording.latitude, recording.longitude, recording.elevation)
        table[row, 2:] = [np.nan if value is None else value for value in place]
    return table


def encoded_size(fields: Sequence[str], date_phases: int = 12, time_phases: int = 12) -> int:
    """Length D of the vector that `encode` makes: a flag per field, then their encodings.

    >>> encoded_size(FIELDS, 3, 3)
    14
    """
    phases = {"date": date_phases, "time": time_phases}
    return sum(1 + phases.get(field, 1) for field in fields)


def encode(
    table: np.ndarray, fields: Sequence[str], date_phases: int = 12, time_phases: int = 12
) -> np.ndarray:
    """Encodes a table [N, 5] as float32 [N, D] with D = encoded_size(...).

    First one presence flag (0 or 1) per requested field, in the order of `fields`, then their
    encodings in the same order. Date and time are circular:
    sqrt(2) sin(2 pi v / period + pi i / phases), i = 0..phases-1. Latitude, longitude and
    elevation are (v - mean) / deviation. Unknown values are 0 in flag and encoding.
    """
    phases = {"date": date_phases, "time": time_phases}
    encoded = np.empty((len(table), encoded_size(fields, date_phases, time_phases)), np.float32)
    known = ~np.isnan(table)
    column = len(fields)
    for flag, field in enumerate(fields):
        index = FIELDS.index(field)
        values = table[:, index, None]
        encoded[:, flag] = known[:, index]
        if field in PERIODS:
            size = phases[field]
            shifts = np.arange(size) * (np.pi / size)
            part = np.sqrt(2) * np.sin(values * (2 * np.pi / PERIODS[field]) + shifts)
        else:
            size = 1
            mean, deviation = SCALES[field]
            part = (values - mean) / deviation
        encoded[:, column : column + size] = np.where(known[:, index, None], part, 0.0)
        column += size
    return encoded


def blur(table: np.ndarray, deviations: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """A table [N, 5] with Gaussian noise of the given deviations [5] (days, minutes, ...) added.

    Unknown values stay unknown.
    """
    return table + rng.standard_normal(table.shape) * np.asarray(deviations)


def drop(table: np.ndarray, probability: float, rng: np.random.Generator) -> np.ndarray:
    """A table [N, 5] in which every value is made unknown with the given probability."""
    return np.where(rng.random(table.shape) < probability, np.nan, table)
