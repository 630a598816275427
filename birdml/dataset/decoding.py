"""Any audio file -> mono 16-bit sound at SAMPLE_RATE, block by block in bounded memory."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np
import soundfile
import soxr

from birdml.dataset.channels import MEAN, Channels, channel_number
from birdml.dataset.containers import parts_of
from birdml.dataset.containers.parts import Parts
from birdml.dataset.decoders.ffmpeg import by_ffmpeg
from birdml.dataset.decoders.libsndfile import by_libsndfile
from birdml.dataset.decoders.notes import Notes, UnreadableAudio
from birdml.dataset.recording import SAMPLE_RATE

QUALITY = "HQ"


def versions() -> dict[str, str]:
    """The programs that the result depends on in its last bits."""
    return {
        "resampler": f"soxr {soxr.__version__} {QUALITY} (libsoxr {soxr.__libsoxr_version__})",
        "decoder": f"libsndfile {soundfile.__libsndfile_version__}",
    }


def decode(
    path: Path, notes: Notes | None = None, channel: str | int = MEAN
) -> Iterator[np.ndarray]:
    """Blocks of a file's sound, int16 [S], mono, at SAMPLE_RATE.

    Channels are averaged, or one is taken: `channel` is `mean` or a number from 0. libsoxr
    resamples in floating point, and values beyond full scale are cut, not wrapped (its own 16-bit
    output would add noise). Raises UnreadableAudio.
    """
    notes = Notes() if notes is None else notes
    for rate, blocks in _opened(Path(path), notes):
        notes.rate = notes.rate or rate
        resampler = (
            None
            if rate == SAMPLE_RATE
            else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality=QUALITY)
        )
        for block in blocks:
            if block.ndim > 1:
                block = _one_channel(block, channel, notes)
            if not np.isfinite(block.sum()):
                bad = ~np.isfinite(block)
                notes.bad_values += int(bad.sum())
                block = np.where(bad, np.float32(0), block)
            if resampler is not None:
                block = resampler.resample_chunk(block)
            yield _as_int16(block, notes)
        if resampler is not None:
            yield _as_int16(resampler.resample_chunk(np.zeros(0, np.float32), last=True), notes)


def attempts(path: Path, channel: str = MEAN) -> Iterator[tuple[Notes, Iterator[np.ndarray]]]:
    """One or two attempts at a file's sound, of which the last one counts; all blocks of one are
    to be read before the next: what is noticed, and blocks as `decode` gives them.

    The first averages the channels; where they cancel each other, or some hold nothing, a second
    one takes the channel that carries the sound, and says so. `channel` as users write it: `mean`,
    `left`, `right`, or a number from 1.
    """
    asked = channel_number(channel)
    notes = Notes()
    yield notes, decode(path, notes, asked)
    if asked == MEAN and notes.channels is not None and (found := notes.channels.better()):
        number, why = found
        again = Notes()
        yield again, decode(path, again, number)
        again.remarks += (why,)


def read_any_audio(path: Path) -> np.ndarray:
    """A whole file, int16 [S], mono, at SAMPLE_RATE. Raises UnreadableAudio."""
    sound = np.zeros(0, np.int16)
    for _, blocks in attempts(Path(path)):
        sound = np.concatenate([sound[:0], *blocks])
    return sound


def _one_channel(block: np.ndarray, channel: str | int, notes: Notes) -> np.ndarray:
    """float32 [S, channels] -> [S]: their mean, or one of them."""
    if block.shape[1] == 1:
        return np.ascontiguousarray(block[:, 0])
    if isinstance(channel, int):
        if channel >= block.shape[1]:
            raise UnreadableAudio(f"no channel {channel + 1}: it has {block.shape[1]}")
        return np.ascontiguousarray(block[:, channel])
    mixed = block[:, 0] + block[:, 1]  # adding columns is 30 times as fast as mean(axis=1)
    for other in range(2, block.shape[1]):
        mixed += block[:, other]
    mixed *= np.float32(1 / block.shape[1])
    notes.channels = notes.channels or Channels(block.shape[1])
    notes.channels.add(block, mixed)
    return mixed


def _as_int16(block: np.ndarray, notes: Notes) -> np.ndarray:
    """float32 -1..1 -> int16, counting what is seen."""
    with np.errstate(over="ignore"):  # what grows beyond all bounds is cut below
        scaled = block * np.float32(32768)
    np.rint(scaled, out=scaled)
    if len(scaled):
        low, high = float(scaled.min()), float(scaled.max())
        if low < -32768 or high > 32767:
            notes.clipped += int(((scaled < -32768) | (scaled > 32767)).sum())
            np.clip(scaled, -32768, 32767, out=scaled)
        notes.loudest = max(notes.loudest, int(min(max(-low, high), 32768)))
    notes.samples += len(scaled)
    return scaled.astype("<i2")


def _opened(path: Path, notes: Notes) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Sample rate and blocks of float32 [S] or [S, channels] of each part of a file, by libsndfile,
    else by ffmpeg."""
    parts = Parts([])
    try:
        if path.stat().st_size == 0:
            raise UnreadableAudio("empty file")
        parts = parts_of(path)
        file = parts.opens[0]()
    except OSError as error:
        raise UnreadableAudio(f"unreadable ({error.strerror or error})") from error
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:
        if not shutil.which("ffmpeg"):
            raise UnreadableAudio("no audio that libsndfile reads, and no ffmpeg here") from error
        yield from by_ffmpeg(path, parts.share, notes)
        return
    yield from by_libsndfile(path, parts, file, notes)


@contextmanager
def silent_decoders() -> Iterator[TextIO]:
    """The error stream for our own use, while decoders in C can't write their remarks to it.

    libmpg123 prints a line for every faulty MP3 frame, without the name of the file.
    """
    sys.stderr.flush()
    ours, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        with os.fdopen(os.dup(ours), "w") as screen:
            yield screen
    finally:
        os.dup2(ours, 2)
        os.close(ours)
        os.close(nowhere)
