"""Audio files by ffmpeg, where it is installed: what libsndfile does not read."""

import re
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from birdml.dataset.decoders.notes import BLOCK, Notes, UnreadableAudio


def by_ffmpeg(path: Path, share: float, notes: Notes) -> Iterator[tuple[int, Iterator[np.ndarray]]]:
    """Sample rate and blocks of float32 [S, channels] of a file.

    ffmpeg decodes to a Sun AU stream, whose header tells both. `share`: how much of the sound is
    there by the file's own header (see `Parts`). Raises UnreadableAudio.
    """
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
