"""Any audio file -> mono 16-bit WAV at SAMPLE_RATE, block by block in bounded memory."""

import hashlib
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from birdml.dataset.recording import SAMPLE_RATE
from birdml.files import writing

BLOCK = 1 << 18  # samples of one channel at a time
QUALITY = "HQ"
SHORTEST = 0.1  # seconds: what is shorter holds no frame worth learning from
LONGEST = (2**32 - 100) // 2  # samples that a WAV header can count
DATA_LENGTHS = re.compile(r"(?:data|SSND)\s*: (\d+) \(should be (\d+)\)")  # libsndfile's log
STREAMED = 0x7FFFF000  # lengths beyond this stand for "unknown" in a header
WAV_FORM = ("WAV", "PCM_16", 1, SAMPLE_RATE)
FORMATS = {  # what libsndfile calls the content of files with these suffixes
    ".wav": ("WAV", "WAVEX", "RF64"),
    ".flac": ("FLAC",),
    ".ogg": ("OGG",),
    ".opus": ("OGG",),
    ".mp3": ("MP3", "MPEG"),
    ".aif": ("AIFF",),
    ".aiff": ("AIFF",),
}


class UnreadableAudio(Exception):
    """A file that no decoder makes sound of; the text says why."""


@dataclass
class Notes:
    """What was noticed while decoding a file, complete once all blocks are read."""

    samples: int = 0  # at SAMPLE_RATE
    bad_values: int = 0  # NaN or infinite
    clipped: int = 0  # beyond full scale
    loudest: int = 0
    remarks: tuple[str, ...] = ()


def versions() -> dict[str, str]:
    """The programs that the result depends on in its last bits."""
    return {
        "resampler": f"soxr {soxr.__version__} {QUALITY} (libsoxr {soxr.__libsoxr_version__})",
        "decoder": f"libsndfile {soundfile.__libsndfile_version__}",
    }


def decode(path: Path, notes: Notes | None = None) -> Iterator[np.ndarray]:
    """Blocks of a file's sound, int16 [S], mono, at SAMPLE_RATE.

    Channels are averaged; libsoxr resamples in floating point and values beyond full scale are
    cut, not wrapped (its own 16-bit output would add noise). Raises UnreadableAudio.
    """
    notes = Notes() if notes is None else notes
    with _opened(Path(path), notes) as (rate, blocks):
        resampler = (
            None
            if rate == SAMPLE_RATE
            else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality=QUALITY)
        )
        for block in blocks:
            if block.ndim > 1:
                block = _mixed_down(block)
            if not np.isfinite(block.sum()):
                bad = ~np.isfinite(block)
                notes.bad_values += int(bad.sum())
                block = np.where(bad, np.float32(0), block)
            if resampler is not None:
                block = resampler.resample_chunk(block)
            yield _as_int16(block, notes)
        if resampler is not None:
            yield _as_int16(resampler.resample_chunk(np.zeros(0, np.float32), last=True), notes)


def read_any_audio(path: Path) -> np.ndarray:
    """A whole file, int16 [S], mono, at SAMPLE_RATE. Raises UnreadableAudio."""
    return np.concatenate([np.zeros(0, np.int16), *decode(Path(path))])


def convert(source: Path, target: Path) -> tuple[Notes, str]:
    """Writes a file's sound as WAV; answers what was noticed and the hash of the written file.

    Written beside the target and renamed, so that a target that exists is complete. Raises
    UnreadableAudio (nothing is written), and UserError where the disk is full.
    """
    notes = Notes()
    with writing(target) as file:
        file.seek(44)
        digest = hashlib.blake2b(digest_size=16)
        for block in decode(source, notes):
            if notes.samples > LONGEST:
                raise UnreadableAudio("too long for a WAV file (27 hours)")
            file.write(block.data)
            digest.update(block.data)
        file.seek(0)
        file.write(wav_header(notes.samples))
    return notes, f"{notes.samples}-{digest.hexdigest()}"


def write_wav(target: Path, samples: np.ndarray) -> str:
    """Writes int16 [S] as WAV in the same way; answers its hash."""
    with writing(target) as file:
        file.write(wav_header(len(samples)))
        file.write(samples.astype("<i2").tobytes())
    return f"{len(samples)}-{hashlib.blake2b(samples.tobytes(), digest_size=16).hexdigest()}"


def wav_hash(path: Path) -> str | None:
    """The hash of a WAV file's samples as `convert` gives it.

    None where the file is missing, cut short, or no mono 16-bit WAV at SAMPLE_RATE.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open(path, "rb") as file:
            samples = max(0, (os.fstat(file.fileno()).st_size - 44) // 2)
            if file.read(44) == wav_header(samples):
                while block := file.read(1 << 20):
                    digest.update(block)
                return f"{samples}-{digest.hexdigest()}"
        with soundfile.SoundFile(str(path)) as sound:
            form = (sound.format, sound.subtype, sound.channels, sound.samplerate)
            if form != WAV_FORM:
                return None
            samples = 0
            while len(values := sound.read(BLOCK, dtype="int16")):
                samples += len(values)
                digest.update(values)
            return f"{samples}-{digest.hexdigest()}" if samples == sound.frames else None
    except (OSError, soundfile.LibsndfileError):
        return None


def wav_samples(path: Path) -> int | None:
    """The length of a mono 16-bit WAV file at SAMPLE_RATE; None where it is none."""
    try:
        with open(path, "rb") as file:
            samples = max(0, (os.fstat(file.fileno()).st_size - 44) // 2)
            if file.read(44) == wav_header(samples):
                return samples
        about = soundfile.info(str(path))
    except (OSError, soundfile.LibsndfileError):
        return None
    form = (about.format, about.subtype, about.channels, about.samplerate)
    return about.frames if form == WAV_FORM else None


def wav_header(samples: int) -> bytes:
    """The 44 bytes before mono 16-bit samples at SAMPLE_RATE."""
    size = 2 * samples
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1),
        *(SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16, b"data", size),
    )


def _mixed_down(block: np.ndarray) -> np.ndarray:
    """float32 [S, channels] -> [S], the mean."""
    if block.shape[1] == 1:
        return np.ascontiguousarray(block[:, 0])
    mixed = block[:, 0] + block[:, 1]  # adding columns is 30 times as fast as mean(axis=1)
    for channel in range(2, block.shape[1]):
        mixed += block[:, channel]
    mixed *= np.float32(1 / block.shape[1])
    return mixed


def _as_int16(block: np.ndarray, notes: Notes) -> np.ndarray:
    """float32 -1..1 -> int16, counting what is seen."""
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


@contextmanager
def _opened(path: Path, notes: Notes) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Sample rate and blocks of float32 [S] or [S, channels], by libsndfile, else by ffmpeg."""
    try:
        if path.stat().st_size == 0:
            raise UnreadableAudio("empty file")
        file = soundfile.SoundFile(str(path))
    except OSError as error:
        raise UnreadableAudio(f"unreadable ({error.strerror})") from error
    except (soundfile.LibsndfileError, TypeError) as error:
        if not shutil.which("ffmpeg"):
            raise UnreadableAudio("no audio that libsndfile reads, and no ffmpeg here") from error
        with _by_ffmpeg(path) as opened:
            yield opened
        return
    with file:
        expected = FORMATS.get(path.suffix.lower())
        if expected and file.format not in expected:
            notes.remarks += (f"the suffix is wrong: it holds {file.format}",)
        if file.samplerate < 1000:
            raise UnreadableAudio(f"sample rate of {file.samplerate} Hz")
        yield file.samplerate, _blocks(file, notes)


def _blocks(file: soundfile.SoundFile, notes: Notes) -> Iterator[np.ndarray]:
    """All that a file holds, up to where it ends or is damaged."""
    buffer = np.empty((BLOCK, file.channels), np.float32)
    read = 0
    try:
        while len(block := file.read(out=buffer[:, 0] if file.channels == 1 else buffer)):
            read += len(block)
            yield block
    except soundfile.LibsndfileError:
        for block in _until_damage(file.name, read):
            read += len(block)
            yield block
    promised = file.frames
    lengths = DATA_LENGTHS.search(file.extra_info)  # a header may promise more than there is
    if lengths and int(lengths[2]) < int(lengths[1]) < STREAMED:
        promised = round(file.frames * int(lengths[1]) / max(1, int(lengths[2])))
    if read < promised - file.samplerate // 10:
        rate = file.samplerate
        notes.remarks += (f"cut short or damaged: {read / rate:.1f} of {promised / rate:.1f} s",)


def _until_damage(name: str, start: int) -> Iterator[np.ndarray]:
    """From `start` in small steps, since a step that fails gives nothing."""
    with suppress(soundfile.LibsndfileError), soundfile.SoundFile(name) as file:
        file.seek(start)
        while len(block := file.read(1024, dtype="float32")):
            yield block


@contextmanager
def _by_ffmpeg(path: Path) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """ffmpeg decodes to a Sun AU stream, whose header tells rate and channels."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path.absolute()), "-map", "0:a:0"]
    command += ["-c:a", "pcm_f32be", "-f", "au", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            header = process.stdout.read(24)
            if len(header) < 24 or header[:4] != b".snd":
                raise UnreadableAudio("no audio that libsndfile or ffmpeg reads")
            start, _, _, rate, channels = struct.unpack(">5I", header[4:])
            process.stdout.read(start - 24)
            yield rate, _au_blocks(process.stdout, channels)
        finally:
            process.kill()


def _au_blocks(stream, channels: int) -> Iterator[np.ndarray]:
    size = 4 * channels
    while content := stream.read(BLOCK * size):
        block = np.frombuffer(content[: len(content) // size * size], ">f4").astype(np.float32)
        yield block.reshape(-1, channels)
