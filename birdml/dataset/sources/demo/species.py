"""The invented species of the demo: what they sing, and where and when they are met.

Some pairs are told apart by one trait only (direction, tempo, vibrato, order of two tones), and
ranges overlap, so that neither sound nor metadata alone is enough.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Song:
    """One phrase: a series of notes, each a sweep between two frequencies."""

    notes: tuple[int, int]  # fewest and most
    length: float  # of a note, seconds
    gap: float  # between notes, seconds
    start: float  # Hz
    end: float  # Hz
    tones: tuple[float, ...] = (1.0,)  # factors of pitch that notes cycle through
    hastening: float = 1.0  # factor of each gap to the one before
    partials: tuple[float, ...] = (1.0,)  # amplitudes of harmonics
    vibrato: tuple[float, float] = (0.0, 0.0)  # Hz, share of the pitch
    tremolo: float = 0.0  # Hz
    pause: float = 1.2  # between phrases, seconds


@dataclass(frozen=True)
class Niche:
    """Where and when a species is met most: degrees, metres, day of year, hour."""

    latitude: float
    longitude: float
    elevation: float
    day: float
    hour: float


@dataclass(frozen=True)
class DemoSpecies:
    class_id: str
    latin_name: str
    editions: tuple[int, ...]  # in whose label sets it is
    frequency: float  # how often it is recorded, 1 = average
    song: Song
    niche: Niche


RICH = (1.0, 0.7, 0.5, 0.3, 0.2)  # partials of a nasal call

SPECIES = (
    DemoSpecies(
        "ascson", "Sonora ascendens", (2014, 2015, 2017), 1.4,
        Song((3, 5), 0.22, 0.12, 2200, 3500), Niche(-3, -60, 150, 60, 6.5),
    ),
    DemoSpecies(
        "cadson", "Sonora cadens", (2014, 2015, 2017), 1.2,
        Song((3, 5), 0.22, 0.12, 3500, 2200), Niche(-5, -56, 250, 250, 7),
    ),
    DemoSpecies(
        "lontse", "Sonora longa", (2014, 2015), 0.7,
        Song((1, 3), 0.45, 0.25, 3700, 2500, pause=1.6), Niche(-11, -70, 1500, 300, 6.5),
    ),
    DemoSpecies(
        "rapitr", "Tremula rapida", (2014, 2015), 1.3,
        Song((14, 26), 0.035, 0.025, 4700, 4200), Niche(-12, -67, 1100, 20, 9),
    ),
    DemoSpecies(
        "lentre", "Tremula lenta", (2014, 2015, 2017), 1.0,
        Song((8, 16), 0.045, 0.065, 4600, 4100), Niche(-20, -48, 800, 330, 10),
    ),
    DemoSpecies(
        "fesacc", "Tremula festinans", (2015,), 0.8,
        Song((9, 15), 0.05, 0.2, 4400, 3900, hastening=0.86), Niche(2, -75, 2200, 120, 8),
    ),
    DemoSpecies(
        "nasraa", "Rauca nasalis", (2015, 2017), 1.1,
        Song((2, 4), 0.33, 0.2, 1000, 880, partials=RICH), Niche(-8, -62, 300, 180, 16.5),
    ),
    DemoSpecies(
        "tremra", "Rauca tremens", (2015, 2017), 0.8,
        Song((2, 4), 0.35, 0.2, 950, 900, partials=RICH, vibrato=(16, 0.05)),
        Niche(-14, -52, 500, 200, 17),
    ),
    DemoSpecies(
        "nocstr", "Bubula nocturna", (2015,), 0.6,
        Song((2, 4), 0.32, 0.3, 560, 500, partials=(1.0, 0.15), pause=2.0),
        Niche(-16, -57, 400, 220, 22),
    ),
    DemoSpecies(
        "gemsyr", "Syrinx gemina", (2017,), 1.2,
        Song((2, 4), 0.25, 0.06, 2650, 2600, tones=(1.0, 1.26)), Niche(4, -71, 1700, 90, 7),
    ),
    DemoSpecies(
        "invsyr", "Syrinx inversa", (2017,), 1.0,
        Song((2, 4), 0.25, 0.06, 3350, 3300, tones=(1.0, 0.79)),
        Niche(-1, -78, 2400, 40, 8),
    ),
    DemoSpecies(
        "stritz", "Stridula tenuis", (2017,), 0.9,
        Song((2, 4), 0.4, 0.25, 6400, 6000, tremolo=75), Niche(-23, -46, 900, 350, 13),
    ),
)  # fmt: skip

# Spread of the niches: the wider, the less metadata tells.
PLACE_SPREAD = 8.0  # degrees
ELEVATION_SPREAD = 750.0  # metres
SEASON_SPREAD = 95.0  # days
HOUR_SPREAD = 4.0  # hours


@dataclass(frozen=True)
class Moment:
    """Where and when a recording was made: degrees, metres, day of year, hour."""

    latitude: float
    longitude: float
    elevation: float
    day: float
    hour: float


def moment_of(niche: Niche, rng: np.random.Generator) -> Moment:
    """A random place, day and hour at which a species of this niche is met."""
    normal = rng.standard_normal(5)
    return Moment(
        latitude=niche.latitude + PLACE_SPREAD * normal[0],
        longitude=niche.longitude + PLACE_SPREAD * normal[1],
        elevation=abs(niche.elevation + ELEVATION_SPREAD * normal[2]),
        day=(niche.day + SEASON_SPREAD * normal[3]) % 365,
        hour=(niche.hour + HOUR_SPREAD * normal[4]) % 24,
    )


def likelihood(niche: Niche, moment: Moment) -> float:
    """How likely a species of this niche is met at a moment (a density, not normalised)."""
    days = (moment.day - niche.day + 182.5) % 365 - 182.5
    hours = (moment.hour - niche.hour + 12) % 24 - 12
    squares = (
        ((moment.latitude - niche.latitude) / PLACE_SPREAD) ** 2
        + ((moment.longitude - niche.longitude) / PLACE_SPREAD) ** 2
        + ((moment.elevation - niche.elevation) / ELEVATION_SPREAD) ** 2
        + (days / SEASON_SPREAD) ** 2
        + (hours / HOUR_SPREAD) ** 2
    )
    return float(np.exp(-squares / 2))
