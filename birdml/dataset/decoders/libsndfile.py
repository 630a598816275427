"""Audio files by libsndfile: all that is in them, up to where they end or are damaged."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile

from birdml.dataset.containers.parts import Opening, Parts
from birdml.dataset.decoders.notes import BLOCK, Notes, UnreadableAudio

DATA_LENGTHS = re.compile(r"(?:data|SSND)\s*: (\d+) \(should be (\d+)\)")  # libsndfile's log
UNKNOWN = 1 << 60  # frames: libsndfile's way to say that it doesn't know
STREAMED = 0x7FFFF000  # lengths beyond this stand for "unknown" in a header
FORMATS = {  # what libsndfile calls the content of files with these suffixes
    ".wav": ("WAV", "WAVEX", "RF64"),
    ".flac": ("FLAC",),
    ".ogg": ("OGG",),
    ".opus": ("OGG",),
    ".mp3": ("MP3", "MPEG"),
    ".aif": ("AIFF",),
    ".aiff": ("AIFF",),
}


def seconds_by_header(path: Path) -> float | None:
    """The length of a file as its header tells it, without a look at its sound.

    None of a file that is missing, that can't be read, or whose container libsndfile does not know
    (though ffmpeg may): never an error. A wrong header is believed.
    """
    try:
        return soundfile.info(os.fsencode(path)).duration
    except (OSError, soundfile.LibsndfileError, TypeError, RuntimeError, ValueError):
        return None


def by_libsndfile(
    path: Path, parts: Parts, first: soundfile.SoundFile, notes: Notes
) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Sample rate and blocks of float32 [S] or [S, channels] of each part of a file.

    `first`: its first part, opened. Raises UnreadableAudio.
    """
    notes.remarks += tuple(parts.remarks)
    expected = FORMATS.get(path.suffix.lower())
    if expected and first.format not in (*expected, "RAW"):
        notes.remarks += (f"the suffix is wrong: it holds {first.format}",)
    for number, opened in enumerate(parts.opens):
        with first if number == 0 else opened() as file:
            if file.samplerate < 1000:
                raise UnreadableAudio(f"sample rate of {file.samplerate} Hz")
            yield file.samplerate, _blocks(file, parts, number, notes)


def _blocks(
    file: soundfile.SoundFile, parts: Parts, number: int, notes: Notes
) -> Iterator[np.ndarray]:
    """All that a part of a file holds, up to where it ends or is damaged."""
    buffer = np.empty((BLOCK, file.channels), np.float32)
    read, damaged = 0, False
    try:
        while len(block := file.read(out=buffer[:, 0] if file.channels == 1 else buffer)):
            read += len(block)
            yield block
    except soundfile.LibsndfileError:
        damaged = file.frames < UNKNOWN  # without a length, the end is found by running into it
        for block in _until_damage(parts.opens[number], read):
            read += len(block)
            yield block
    last = number == len(parts.opens) - 1
    promised = _promised(file, parts, read)
    short = promised is not None and read / file.samplerate < promised - 0.1
    if short or damaged or (last and not parts.whole):
        of = f" of {promised:.1f}" if short else ""
        what = f"cut short or damaged: {read / file.samplerate:.1f}{of} s could be read"
        notes.remarks += (what,)


def _promised(file: soundfile.SoundFile, parts: Parts, read: int) -> float | None:
    """Seconds that a header tells, of a file that is one part; None where none tells them."""
    if len(parts.opens) > 1:
        return None
    if parts.share < 1:
        return read / file.samplerate / parts.share if parts.share else None
    if parts.promised is not None:
        return parts.promised
    if not 0 < file.frames < UNKNOWN:
        return None
    promised = file.frames / file.samplerate
    lengths = DATA_LENGTHS.search(file.extra_info)  # a header may promise more than there is
    if lengths and int(lengths[2]) < int(lengths[1]) < STREAMED:
        promised *= int(lengths[1]) / max(1, int(lengths[2]))
    return promised


def _until_damage(opened: Opening, start: int) -> Iterator[np.ndarray]:
    """From `start` in ever smaller steps, since a step that fails gives nothing."""
    for step in (1024, 32, 1):
        with suppress(soundfile.LibsndfileError), opened() as file:
            file.seek(start)
            while len(block := file.read(step, dtype="float32")):
                start += len(block)
                yield block
            return
