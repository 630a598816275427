"""Which recordings are cuts of one: kept together, or told where somebody parted them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from birdml.dataset.cuts import find_overlaps
from birdml.dataset.dividing import group_keys
from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording
from birdml.dataset.reading import ValueReading
from birdml.dataset.split import groups
from birdml.dataset.wav_files import HEADER


def cuts_among(
    recordings: Sequence[RawRecording], audio: Path, reading: ValueReading, workers: int
) -> list[tuple[str, str]]:
    """Pairs of recordings that hold some of the same sound, among those of which nobody says who
    recorded them, where or when: of the others, that tells what belongs together."""
    keys = group_keys(recordings, reading)
    unknown = [r for r, own in zip(recordings, keys) if not own]
    names = [r.file for r in unknown]

    def read(number: int) -> np.ndarray:
        return np.fromfile(audio / names[number], "<i2", offset=HEADER)

    return [
        (names[one.first], names[one.second]) for one in find_overlaps(len(names), read, workers)
    ]


def groups_of(pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Name -> number of its group, of names that are linked by pairs."""
    names = sorted({name for pair in pairs for name in pair})
    numbers = groups([[pair for pair in pairs if name in pair] for name in names])
    return dict(zip(names, numbers))


def parted(
    pairs: Sequence[tuple[str, str]], split: Mapping[str, str], origin: Mapping[str, str]
) -> list[Problem]:
    """A row for each pair that lies in train and in valid, as somebody chose."""
    rows = []
    for first, second in pairs:
        if {split[first], split[second]} == {"train", "valid"}:
            what = f"kept: some of its sound is also in {origin[first]}, in {split[first]}"
            rows.append(Problem(origin[second], "split", split[second], what))
    return rows
