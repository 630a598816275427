"""WAV files of a dataset, mono and 16-bit at SAMPLE_RATE: written, hashed, told from others.

`birdml.signal.wav` reads any place of them.
"""

import hashlib
import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from birdml.dataset.channels import MEAN
from birdml.dataset.decoders.notes import BLOCK, Notes, UnreadableAudio
from birdml.dataset.decoding import attempts
from birdml.dataset.recording import SAMPLE_RATE
from birdml.files import writing

HEADER = 44  # bytes before the samples of the files that are written here
LONGEST = (2**32 - 100) // 2  # samples that a WAV header can count
FORM = ("WAV", "PCM_16", 1, SAMPLE_RATE)  # as libsndfile calls it


def convert(source: Path, target: Path, channel: str = MEAN) -> tuple[Notes, str]:
    """Writes a file's sound as WAV; answers what was noticed and the hash of the written file.

    Written beside the target and renamed, so that a target that exists is complete. Raises
    UnreadableAudio (nothing is written), and UserError where the disk is full.
    """
    with writing(target) as file:
        for notes, blocks in attempts(source, channel):
            file.seek(HEADER)
            file.truncate()
            digest = _digest()
            for block in blocks:
                if notes.samples > LONGEST:
                    raise UnreadableAudio("too long for a WAV file (27 hours)")
                file.write(block.data)
                digest.update(block.data)
        file.seek(0)
        file.write(wav_header(notes.samples))
    return notes, _hash(notes.samples, digest)


def write_wav(target: Path, samples: np.ndarray) -> str:
    """Writes int16 [S] as WAV in the same way; answers its hash."""
    with writing(target) as file:
        file.write(wav_header(len(samples)))
        file.write(samples.astype("<i2").tobytes())
    return _hash(len(samples), _digest(samples.tobytes()))


def wav_hash(path: Path) -> str | None:
    """The hash of a WAV file's samples as `convert` gives it.

    None where the file is missing, cut short, or no mono 16-bit WAV at SAMPLE_RATE.
    """
    digest = _digest()
    try:
        with open(path, "rb") as file:
            if (samples := _samples_of_ours(file)) is not None:
                while block := file.read(1 << 20):
                    digest.update(block)
                return _hash(samples, digest)
        with soundfile.SoundFile(os.fsencode(path)) as sound:
            if _form(sound) != FORM:
                return None
            samples = 0
            while len(values := sound.read(BLOCK, dtype="int16")):
                samples += len(values)
                digest.update(values)
            return _hash(samples, digest) if samples == sound.frames else None
    except (OSError, soundfile.LibsndfileError):
        return None


def wav_samples(path: Path) -> int | None:
    """The length of a mono 16-bit WAV file at SAMPLE_RATE; None where it is none."""
    try:
        with open(path, "rb") as file:
            if (samples := _samples_of_ours(file)) is not None:
                return samples
        about = soundfile.info(os.fsencode(path))
    except (OSError, soundfile.LibsndfileError):
        return None
    return about.frames if _form(about) == FORM else None


def wav_header(samples: int) -> bytes:
    """The HEADER bytes before mono 16-bit samples at SAMPLE_RATE."""
    size = 2 * samples
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1),
        *(SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16, b"data", size),
    )


def _samples_of_ours(file: BinaryIO) -> int | None:
    """The length of a file whose header is one that is written here, read up to its samples."""
    samples = max(0, (os.fstat(file.fileno()).st_size - HEADER) // 2)
    return samples if file.read(HEADER) == wav_header(samples) else None


def _form(sound: Any) -> tuple[str, str, int, int]:
    """What libsndfile calls a file, to be compared with FORM."""
    return sound.format, sound.subtype, sound.channels, sound.samplerate


def _digest(content: bytes = b"") -> hashlib.blake2b:
    return hashlib.blake2b(content, digest_size=16)


def _hash(samples: int, digest: hashlib.blake2b) -> str:
    return f"{samples}-{digest.hexdigest()}"
