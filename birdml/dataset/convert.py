"""Any audio file -> mono 16-bit WAV at SAMPLE_RATE, block by block in bounded memory."""

import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import soundfile
import soxr

from birdml.dataset.channels import MEAN, Channels, channel_number
from birdml.dataset.containers import Parts, parts_of
from birdml.dataset.recording import SAMPLE_RATE
from birdml.files import writing

BLOCK = 1 << 18  # samples of one channel at a time
QUALITY = "HQ"
SHORTEST = 0.1  # seconds: what is shorter holds no frame worth learning from
LONGEST = (2**32 - 100) // 2  # samples that a WAV header can count
DATA_LENGTHS = re.compile(r"(?:data|SSND)\s*: (\d+) \(should be (\d+)\)")  # libsndfile's log
UNKNOWN = 1 << 60  # frames: libsndfile's way to say that it doesn't know
CLIPPED = 0.01  # share of samples beyond full scale that is worth telling
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
    rate: int = 0  # samples per second of the file
    bad_values: int = 0  # NaN or infinite
    clipped: int = 0  # beyond full scale
    loudest: int = 0
    remarks: tuple[str, ...] = ()
    channels: Channels | None = None  # of a file with several

    def said(self) -> tuple[str, ...]:
        """All remarks in words for people."""
        said = self.remarks
        if self.bad_values:
            said += (f"{self.bad_values} values that are no finite number set to 0",)
        if self.clipped > CLIPPED * self.samples:
            said += (f"{self.clipped} samples beyond full scale cut",)
        return said


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


def convert(source: Path, target: Path, channel: str = MEAN) -> tuple[Notes, str]:
    """Writes a file's sound as WAV; answers what was noticed and the hash of the written file.

    Written beside the target and renamed, so that a target that exists is complete. Raises
    UnreadableAudio (nothing is written), and UserError where the disk is full.
    """
    with writing(target) as file:
        for notes, blocks in attempts(source, channel):
            file.seek(44)
            file.truncate()
            digest = hashlib.blake2b(digest_size=16)
            for block in blocks:
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
        with soundfile.SoundFile(os.fsencode(path)) as sound:
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
        about = soundfile.info(os.fsencode(path))
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
        yield from _by_ffmpeg(path, parts.share, notes)
        return
    notes.remarks += tuple(parts.remarks)
    expected = FORMATS.get(path.suffix.lower())
    if expected and file.format not in (*expected, "RAW"):
        notes.remarks += (f"the suffix is wrong: it holds {file.format}",)
    for number, opened in enumerate(parts.opens):
        with file if number == 0 else opened() as file:
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


def _until_damage(opened: Callable[[], soundfile.SoundFile], start: int) -> Iterator[np.ndarray]:
    """From `start` in ever smaller steps, since a step that fails gives nothing."""
    for step in (1024, 32, 1):
        with suppress(soundfile.LibsndfileError), opened() as file:
            file.seek(start)
            while len(block := file.read(step, dtype="float32")):
                start += len(block)
                yield block
            return


def _by_ffmpeg(
    path: Path, share: float, notes: Notes
) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """ffmpeg decodes to a Sun AU stream, whose header tells rate and channels."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path.absolute()), "-map", "0:a:0"]
    command += ["-c:a", "pcm_f32be", "-f", "au", "-"]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process,
    ):
        assert process.stdout is not None
        try:
            header = process.stdout.read(24)
            if len(header) < 24 or header[:4] != b".snd":
                raise UnreadableAudio("no audio that libsndfile or ffmpeg reads")
            start, _, _, rate, channels = struct.unpack(">5I", header[4:])
            process.stdout.read(start - 24)
            read = 0
            blocks = _au_blocks(process.stdout, channels)

            def counted() -> Iterator[np.ndarray]:
                nonlocal read
                for block in blocks:
                    read += len(block)
                    yield block

            yield rate, counted()
            process.wait()
            complaints.seek(0)
            said = complaints.read(2000).decode(errors="replace").strip().splitlines()
            promised = _by_ffprobe(path) if share in (0, 1) else read / rate / share
            if promised is not None and read / rate < promised - max(0.1, 0.01 * promised):
                what = f"cut short or damaged: {read / rate:.1f} of {promised:.1f} s"
                notes.remarks += (what,)
            elif said or process.returncode:
                why = re.sub(r"^\[[^]]*\]\s*", "", said[0])[:120] if said else "it failed"
                notes.remarks += (f"damaged: {read / rate:.1f} s could be decoded ({why})",)
        finally:
            process.kill()


def _by_ffprobe(path: Path) -> float | None:
    """Seconds by the container, where ffprobe can tell them."""
    command = ["ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries"]
    command += ["stream=duration:format=duration", "-of", "csv=p=0", str(path.absolute())]
    with suppress(OSError, subprocess.SubprocessError):
        told = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
        for word in re.split(r"[,\s]+", told):
            with suppress(ValueError):
                return float(word)
    return None


def _au_blocks(stream, channels: int) -> Iterator[np.ndarray]:
    size = 4 * channels
    while content := stream.read(BLOCK * size):
        block = np.frombuffer(content[: len(content) // size * size], ">f4").astype(np.float32)
        yield block.reshape(-1, channels)


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
