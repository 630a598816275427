"""Recordings as an encoder hears them: each by itself, whatever it is heard with."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from birdml.dataset.channels import MEAN
from birdml.dataset.decoders.notes import UnreadableAudio
from birdml.dataset.decoding import attempts, silent_decoders
from birdml.encoders.embeddings import EmbeddedPart
from birdml.encoders.entries import Encoder
from birdml.encoders.pretrained import Pretrained, Session, encode
from birdml.encoders.windows import stream_windows
from birdml.errors import UserError


@dataclass(frozen=True)
class Sound:
    """A recording to be heard."""

    name: str
    path: Path
    seconds: float  # by its header, for shares and progress
    samples: Callable[[], np.ndarray] | None = None  # int16 [S], in place of what is at the path


def hear(pretrained: Pretrained, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The embeddings of one file, float32 [W, D], and the beginnings of its windows in seconds,
    float64 [W]. Raises UserError where it can't be read."""
    try:
        with silent_decoders():
            vectors, starts = _hear(
                pretrained.encoder, pretrained.start(), path, lambda seconds: None
            )
    except (UnreadableAudio, OSError) as error:
        raise UserError(f"cannot hear '{path}': {error}") from None
    return vectors, starts / pretrained.encoder.rate


def embed_sounds(
    encoder: Encoder, session: Session, sounds: Sequence[Sound], advance: Callable[[float], None]
) -> EmbeddedPart:
    """Embeddings of some recordings; of one that can't be heard none, and why.

    `advance` is called with seconds of audio. Raises UserError where the encoder's values are too
    large for half precision.
    """
    vectors, starts, counts, problems = [], [], [], []
    for sound in sounds:
        found, begin, problem = np.zeros((0, encoder.dimension), np.float32), np.zeros(0), ""
        try:
            if sound.samples is None:
                found, begin = _hear(encoder, session, sound.path, advance)
            else:
                found, begin = _hear_blocks(encoder, session, [sound.samples()], advance)
        except UnreadableAudio as error:
            problem = str(error)
        except OSError as error:
            problem = f"could not be decoded: {error.strerror or error}"
        with np.errstate(over="ignore"):  # told below
            small = found.astype(np.float16)
        if not np.isfinite(small).all():
            raise UserError(
                f"encoder '{encoder.name}': embeddings of '{sound.name}' are too large for half "
                "precision: give it a smaller scale"
            )
        vectors.append(small)
        starts.append(begin)
        counts.append(len(small))
        problems.append(problem)
    return EmbeddedPart(
        np.concatenate(vectors),
        np.concatenate(starts).astype(np.int64),
        np.array(counts, np.int64),
        tuple(problems),
    )


def _hear(
    encoder: Encoder, session: Session, path: Path, advance: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings float32 [W, D] and first samples [W] of a file; raises UnreadableAudio."""
    found, samples = (np.zeros((0, encoder.dimension), np.float32), np.zeros(0, np.int64)), 0
    for notes, blocks in attempts(path, MEAN):
        found = _hear_blocks(encoder, session, blocks, advance)
        samples = notes.samples
    if not samples:
        raise UnreadableAudio("no sound in it")
    return found


def _hear_blocks(
    encoder: Encoder,
    session: Session,
    blocks: Iterable[np.ndarray],
    advance: Callable[[float], None],
) -> tuple[np.ndarray, np.ndarray]:
    vectors: list[np.ndarray] = []
    starts: list[int] = []
    for start, window in stream_windows(blocks, encoder):
        vectors.append(encode(encoder, session, window[None]).embeddings[0])
        starts.append(start)
        advance(encoder.hop)
    return np.array(vectors, np.float32), np.array(starts, np.int64)
