"""Place, season, hour and elevation as features of a network: what a bird would go by.

A table is that of `birdml.metadata`: float64 [N, 5], day of year, minute of day, latitude,
longitude, elevation, NaN unknown. A feature is 0 where a field that it needs is unknown, and a flag
per field says so.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import sph_harm_y_all

from birdml.dataset.recording import FIELDS

FEATURES = ("place", "harmonics", "date", "time", "season", "sun", "elevation")
NEEDS = {  # fields without which a feature is unknown
    "place": ("latitude", "longitude"),
    "harmonics": ("latitude", "longitude"),
    "date": ("date",),
    "time": ("time",),
    "season": ("date", "latitude"),
    "height": ("date", "time", "latitude"),
    "day": ("date", "latitude"),
    "elevation": ("elevation",),
}
WAVES = 3  # per year, and per day
SEASONS = 2  # waves of the year whose phase turns with the latitude
BUMPS = np.arange(10) / 2  # centres, of log(1 + elevation / 50 m)
BUMP_WIDTH = 0.4
ELEVATIONS = (-100.0, 6000.0)  # metres; what is outside counts as its end
TILT = 0.40915  # radians, of the Earth's axis
DAWN = 1.5  # hours: how long a chorus lasts


def feature_count(fields: Sequence[str], features: Sequence[str], degree: int) -> int:
    """Length D of the vector that `place_features` makes.

    >>> feature_count(FIELDS, FEATURES, 10)
    165
    """
    return place_features(np.zeros((1, len(FIELDS))), fields, features, degree).shape[1]


def place_features(
    table: np.ndarray,
    fields: Sequence[str] = FIELDS,
    features: Sequence[str] = FEATURES,
    degree: int = 10,
) -> np.ndarray:
    """The features of a table [N, 5], float32 [N, D]; 165 with all fields and features.

    Args:
        table: days, minutes, degrees, degrees, metres; NaN where unknown.
        fields: those of FIELDS that may be used; the others count as unknown.
        features: groups of features by name, of FEATURES: `place` (the unit vector of the place),
            `harmonics` (real spherical harmonics of it), `date` and `time` (waves of the year and
            the day), `season` (waves of the year times the sine of the latitude: they turn with
            the hemisphere), `sun` (its height, the hours since it rose and until it sets, the
            length of the day), `elevation`.
        degree: of the harmonics, from 1.

    Returns:
        One flag per field of `fields` (1 where known), then the groups in the order of FEATURES.
        A group of which `fields` has no part is left out.
    """
    used = np.where(np.isin(FIELDS, fields), table, np.nan)
    known = dict(zip(FIELDS, np.isfinite(used).T))
    day, minute, latitude, longitude, elevation = np.nan_to_num(used).T
    north, east = np.radians(latitude), np.radians(longitude)
    columns = [known[field][:, None].astype(np.float64) for field in FIELDS if field in fields]

    def add(needs: str, values: np.ndarray) -> None:
        if set(NEEDS[needs]) <= set(fields):
            there = np.logical_and.reduce([known[field] for field in NEEDS[needs]])
            columns.append(np.where(there[:, None], values, 0.0))

    year, clock = 2 * np.pi * day / 365, 2 * np.pi * minute / 1440
    if "place" in features:
        add("place", unit_vectors(north, east))
    if "harmonics" in features:
        add("harmonics", harmonics(north, east, degree))
    if "date" in features:
        add("date", _waves(year, WAVES))
    if "time" in features:
        add("time", _waves(clock, WAVES))
    if "season" in features:
        add("season", _waves(year, SEASONS) * np.sin(north)[:, None])
    if "sun" in features:
        hour = minute / 60
        height, half_day = sun_height(day, hour, north), half_day_hours(day, north)
        since, until = _hours(hour - (12 - half_day)), _hours(hour - (12 + half_day))
        angles = np.pi / 12 * np.stack([since, until], axis=1)
        near = np.exp(-np.square(np.stack([since, until], axis=1) / DAWN))
        light = np.stack([height, height > -0.1], axis=1)
        add("height", np.concatenate([light, np.sin(angles), np.cos(angles), near], axis=1))
        add("day", half_day[:, None] / 6)
    if "elevation" in features:
        metres = np.clip(elevation, *ELEVATIONS)
        high = np.maximum(metres, 0)
        scale = np.log1p(high / 50)[:, None]
        bumps = np.exp(-np.square((scale - BUMPS) / BUMP_WIDTH))
        plain = np.stack([metres / 1000, np.log1p(high) / 5], axis=1)
        add("elevation", np.concatenate([plain, bumps], axis=1))
    return np.concatenate(columns, axis=1).astype(np.float32)


def unit_vectors(north: np.ndarray, east: np.ndarray) -> np.ndarray:
    """Places as points of the unit sphere, [N, 3], of latitude and longitude in radians."""
    return np.stack(
        [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1
    )


def harmonics(north: np.ndarray, east: np.ndarray, degree: int) -> np.ndarray:
    """Real spherical harmonics of degrees 1 to `degree`, [N, degree (degree + 2)].

    Orthonormal ones times sqrt(4 pi), so that each has a mean square of 1 over the sphere; per
    degree in the order of m = -degree .. degree (Russwurm et al., ICLR 2024, for places).
    """
    places, index = np.unique(np.stack([north, east], axis=1), axis=0, return_inverse=True)
    complex_ = sph_harm_y_all(degree, degree, np.pi / 2 - places[:, 0], places[:, 1])
    found = []
    for n in range(1, degree + 1):
        for m in range(-n, n + 1):
            value = complex_[n, abs(m)]
            part = value.imag if m < 0 else value.real
            found.append(part * (np.sqrt(2) * (-1) ** m if m else 1.0))
    return np.sqrt(4 * np.pi) * np.stack(found, axis=1)[index.ravel()]


def _declination(day: np.ndarray) -> np.ndarray:
    return -TILT * np.cos(2 * np.pi * (day + 10) / 365)


def sun_height(day: np.ndarray, hour: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Sine of the sun's height above the horizon; `hour` is taken as solar time.

    >>> [round(float(sun_height(80.0, hour, 0.0)), 2) for hour in (0, 6, 12)]  # equator, March
    [-1.0, 0.0, 1.0]
    """
    tilt = _declination(day)
    noon = np.cos(np.pi * (hour - 12) / 12)
    return np.sin(north) * np.sin(tilt) + np.cos(north) * np.cos(tilt) * noon


def half_day_hours(day: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Hours from sunrise to noon, 0 in the polar night and 12 in the polar day.

    >>> half_day_hours(np.array([80.0]), np.array([0.8])).round(1)  # equinox
    array([6.])
    """
    with np.errstate(over="ignore"):
        cosine = -np.tan(north) * np.tan(_declination(day))
    return 12 / np.pi * np.arccos(np.clip(cosine, -1, 1))


def _waves(angle: np.ndarray, count: int) -> np.ndarray:
    turns = angle[:, None] * np.arange(1, count + 1)
    return np.concatenate([np.sin(turns), np.cos(turns)], axis=1)


def _hours(difference: np.ndarray) -> np.ndarray:
    """Differences of hours of the day, in -12..12."""
    return (difference + 12) % 24 - 12


def blurred(
    table: np.ndarray, deviations: Sequence[float], unknown: float, rng: np.random.Generator
) -> np.ndarray:
    """A table [N, 5] as training sees it: with Gaussian noise, and fields left out.

    Args:
        table: days, minutes, degrees, degrees, metres; NaN where unknown.
        deviations: [5] of the noise, in the same units.
        unknown: probability of each of date, time, place and elevation to be left out; latitude
            and longitude go together.
        rng: of the noise.
    """
    noisy = table + rng.standard_normal(table.shape) * np.asarray(deviations)
    noisy[:, 2] = np.clip(noisy[:, 2], -90, 90)
    gone = rng.random((len(table), 4)) < unknown
    noisy[gone[:, [0, 1, 2, 2, 3]]] = np.nan
    return noisy
