"""Noisy copies: recordings mixed with recordings of nothing before the encoder hears them.

What a copy is follows from the seed, the name of the recording and the number of the copy alone.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from birdml.dataset.channels import MEAN
from birdml.dataset.decoders.notes import UnreadableAudio
from birdml.dataset.decoding import attempts
from birdml.dataset.prepared import Dataset
from birdml.dataset.problems import Problem
from birdml.dataset.raw import is_audio, walk
from birdml.dataset.recording import NOISE_TRAIN, SAMPLE_RATE, Recording
from birdml.encoders.compute import embed_beside
from birdml.encoders.embeddings import Embeddings
from birdml.encoders.entries import Encoder
from birdml.encoders.sounds import Sound
from birdml.errors import UserError
from birdml.files import shown, stamp_of

HIGHEST = 32767


def embed_noisy(
    dataset: Dataset,
    recordings: Sequence[Recording],
    encoder: Encoder,
    copies: int,
    levels: tuple[float, float],
    folder: str = "",
    seed: int = 0,
    jobs: int = 1,
) -> Embeddings:
    """Embeddings of so many noisy copies of each recording, named `<file>/<number of the copy>`.

    Args:
        dataset: whose recordings they are.
        recordings: to be copied.
        encoder: that hears them.
        copies: of each.
        levels: lowest and highest level of a recording over the noise, in dB.
        folder: of recordings of nothing; '': those of the dataset.
        seed: of what is mixed with what.
        jobs: threads.

    Raises:
        UserError: where there are no recordings of nothing, or one can't be read.
    """
    noise, said = _noise(dataset, folder)
    told = json.dumps([dataset.digest, said, copies, list(levels), seed])
    source = hashlib.sha256(told.encode()).hexdigest()[:32]
    sounds = [
        Sound(
            f"{recording.file}/{copy}",
            dataset.audio_path(recording),
            recording.samples / SAMPLE_RATE,
            partial(_mixed, dataset.audio_path(recording), noise, levels, key),
        )
        for recording in recordings
        for copy in range(copies)
        for key in [f"{seed}/{recording.file}/{copy}"]
    ]
    name = f"{encoder.name}-noisy-{source[:12]}"
    return embed_beside(dataset, sounds, source, encoder, name, jobs)


def _noise(dataset: Dataset, folder: str) -> tuple[list[Path], list]:
    """The recordings of nothing, and what tells them apart from others."""
    if not folder:
        found = [r for r in dataset.split(NOISE_TRAIN) if r.samples]
        if not found:
            raise UserError(
                f"noisy_copies needs recordings of nothing, and '{dataset.name}' has none in "
                "train: prepare it with -P noise=FOLDER, or name some with noise_folder=FOLDER"
            )
        return [dataset.audio_path(r) for r in found], [r.file for r in found]
    if not Path(folder).is_dir():
        raise UserError(f"noise_folder: there is no folder '{folder}'")
    problems: list[Problem] = []
    paths = [path for path in walk(Path(folder), problems) if is_audio(path)]
    if not paths:
        raise UserError(f"noise_folder: the folder '{folder}' holds no audio files")
    return paths, [[shown(path.name), stamp_of(path)] for path in paths]


def _mixed(path: Path, noise: Sequence[Path], levels: tuple[float, float], key: str) -> np.ndarray:
    """A recording mixed with a piece of noise, int16 [S]."""
    digest = hashlib.sha256(key.encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    own = _samples(path)
    other = _samples(noise[int(rng.integers(len(noise)))])
    level = rng.uniform(*levels)
    begin = int(rng.integers(len(other)))
    other = np.resize(np.roll(other, -begin), len(own))  # looped where it is shorter
    powers = [float(np.square(x).mean()) for x in (own, other)]
    if min(powers) > 0:
        own = own + other * np.sqrt(powers[0] / powers[1]) * 10 ** (-level / 20)
    peak = float(np.abs(own).max())
    return (own * min(1.0, HIGHEST / max(peak, 1.0))).astype(np.int16)


def _samples(path: Path) -> np.ndarray:
    """float64 [S] of a file of any format."""
    blocks: list[np.ndarray] = []
    for _, pieces in attempts(path, MEAN):
        blocks = list(pieces)
    samples = np.concatenate(blocks or [np.zeros(0, np.int16)]).astype(np.float64)
    if not len(samples):
        raise UnreadableAudio("no sound in it")
    return samples
