"""Which demo recordings there will be: species, edition, length, place and time of each."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from birdml.dataset.sources.demo.species import (
    SPECIES,
    DemoSpecies,
    Moment,
    likelihood,
    moment_of,
)

TRAINING_FOLDERS = {2014: "TrainingSet", 2015: "TrainingSet", 2017: "data"}
TEST_FOLDER = "BirdCLEF2018MonophoneTest"
SOUNDSCAPE_FOLDERS = {"val": "val/data", "test": "test"}
STEMS = {
    2014: "LIFECLEF2014_BIRDAMAZON_XC_WAV_RN{}",
    2015: "LIFECLEF2015_BIRDAMAZON_XC_WAV_RN{}",
    2017: "LIFECLEF2017_BIRD_XC_WAV_RN{}",
    2018: "LIFECLEF2018_BIRD_XC_WAV_RN{}",
}
MEDIA_IDS = (1000, 8000)  # none of those that the organisers' programs leave out

MEDIAN_SECONDS, LENGTH_SPREAD = 3.7, 0.45  # log-normal; the second of the logarithm
LONG_SHARE, LONG_SECONDS = 0.02, (15.0, 40.0)  # some recordings are much longer
SHORTEST, LONGEST = 2.0, 40.0  # seconds
SCAPE_SECONDS = (60.0, 100.0)
SCAPE_SPECIES = (3, 6)
STEREO_SHARE = 0.06
BACKGROUND_SHARE = 0.4  # of recordings that have background species


@dataclass
class Planned:
    """One recording before its sound exists."""

    media_id: int
    edition: int
    folder: str
    seconds: float
    moment: Moment
    foreground: DemoSpecies | None = None
    background: list[DemoSpecies] = field(default_factory=list)  # in soundscapes: all species

    @property
    def hidden(self) -> bool:
        """Its metadata does not say which species it has."""
        return self.folder not in TRAINING_FOLDERS.values()

    @property
    def names_background(self) -> bool:
        """The recordings of 2017 do not say which species are in the background."""
        return self.edition != 2017

    @property
    def stem(self) -> str:
        if self.foreground is None:
            return f"LIFECLEF2018_SCAPE_WAV_RN{self.media_id}"
        return STEMS[self.edition].format(self.media_id)


def plan_training(
    per_species: int, media_ids: Iterator[int], rng: np.random.Generator
) -> list[Planned]:
    """About `per_species` recordings of each species, as many more as it is more frequent."""
    planned = []
    for species in SPECIES:
        for _ in range(max(2, round(per_species * species.frequency))):
            edition = int(rng.choice(species.editions))
            folder = TRAINING_FOLDERS[edition]
            planned.append(_plan(species, edition, folder, next(media_ids), rng))
    return planned


def plan_test(tests: int, media_ids: Iterator[int], rng: np.random.Generator) -> list[Planned]:
    """`tests` recordings, of any edition that has their species or of 2018."""
    frequencies = np.array([species.frequency for species in SPECIES])
    planned = []
    for _ in range(tests):
        species = SPECIES[rng.choice(len(SPECIES), p=frequencies / frequencies.sum())]
        edition = int(rng.choice([*species.editions, 2018]))
        planned.append(_plan(species, edition, TEST_FOLDER, next(media_ids), rng))
    return planned


def _plan(
    species: DemoSpecies,
    edition: int,
    folder: str,
    media_id: int,
    rng: np.random.Generator,
) -> Planned:
    moment = moment_of(species.niche, rng)
    background: list[DemoSpecies] = []
    if rng.random() < BACKGROUND_SHARE:
        background = _met(moment, int(rng.integers(1, 3)), rng, without=species)
    if rng.random() < LONG_SHARE:
        seconds = rng.uniform(*LONG_SECONDS)
    else:
        seconds = MEDIAN_SECONDS * np.exp(LENGTH_SPREAD * rng.standard_normal())
    seconds = float(np.clip(seconds, SHORTEST, LONGEST))
    return Planned(media_id, edition, folder, seconds, moment, species, background)


def plan_soundscape(split: str, media_id: int, rng: np.random.Generator) -> Planned:
    """A long recording with several species, none of them in the foreground."""
    moment = moment_of(SPECIES[rng.integers(len(SPECIES))].niche, rng)
    species = _met(moment, int(rng.integers(*SCAPE_SPECIES, endpoint=True)), rng)
    seconds = float(rng.uniform(*SCAPE_SECONDS))
    return Planned(media_id, 2018, SOUNDSCAPE_FOLDERS[split], seconds, moment, background=species)


def _met(
    moment: Moment, count: int, rng: np.random.Generator, without: DemoSpecies | None = None
) -> list[DemoSpecies]:
    """Species that are met at a moment, in proportion to how likely they are."""
    candidates = [species for species in SPECIES if species is not without]
    # a little of everything: some birds stray
    chances = np.array([likelihood(species.niche, moment) for species in candidates]) + 1e-3
    drawn = rng.choice(len(candidates), count, replace=False, p=chances / chances.sum())
    return [candidates[i] for i in drawn]
