"""Parts of embeddings that are being computed: files of some minutes of audio each.

A part is written whole or not at all; one with a recording that could not be read is done again.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from birdml.encoders.embeddings import EmbeddedPart
from birdml.encoders.sounds import Sound
from birdml.errors import UserError
from birdml.files import writing

PART_SECONDS = 600.0  # of audio: what a kill may cost each thread


def grouped(sounds: Sequence[Sound]) -> list[list[Sound]]:
    """Neighbours together, about PART_SECONDS in each."""
    groups: list[list[Sound]] = [[]]
    seconds = 0.0
    for sound in sounds:
        if seconds >= PART_SECONDS:
            groups.append([])
            seconds = 0.0
        groups[-1].append(sound)
        seconds += sound.seconds + 1  # what opening a file costs
    return groups


def write_part(file: Path, part: EmbeddedPart) -> None:
    """Raises UserError where it can't be written."""
    with writing(file) as target:
        np.savez(
            target,
            vectors=part.vectors,
            starts=part.starts,
            counts=part.counts,
            problems=np.array(part.problems, np.str_),
        )


def read_part(file: Path) -> EmbeddedPart:
    """Raises UserError where it is not there, or damaged."""
    vectors, starts, counts, problems = read_arrays(file, *EmbeddedPart._fields)
    return EmbeddedPart(vectors, starts, counts, tuple(problems.tolist()))


def is_finished(file: Path) -> bool:
    """Whether a part is there and without faults: what could not be read may be readable now."""
    with suppress(UserError):
        (problems,) = read_arrays(file, "problems")
        return not any(problems)
    return False


def read_arrays(file: Path, *names: str) -> list[np.ndarray]:
    """Some arrays of a part by their names. Raises UserError where it is not there, or damaged."""
    try:
        with np.load(file, allow_pickle=False) as there:
            return [there[name] for name in names]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise UserError(
            f"'{file}' can't be read ({error}); remove it, and run the same command again"
        ) from None
