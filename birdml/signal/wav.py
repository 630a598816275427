"""Random access to the WAV files of a dataset.

A file is opened, read at the right place and closed: no map is set up and nothing stays open, so
any number of recordings and threads will do.
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError

PCM, EXTENSIBLE = 1, 0xFFFE
HEADER = 4096  # bytes read at first; chunks that lie beyond are found by seeking
NAMED = 5  # faulty files named in an error


class _Fault(Exception):
    pass


def _find_samples(path: Path) -> tuple[int, int]:
    """Where the samples of a WAV file lie: offset in bytes and length in samples."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise _Fault(error.strerror or "cannot be opened") from None
    try:
        size = os.fstat(file).st_size
        head = os.pread(file, HEADER, 0)
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            raise _Fault("no WAV file")
        position, described = 12, False
        while True:
            if position + 24 > len(head):
                head = head[:position].ljust(position) + os.pread(file, HEADER, position)
            chunk = head[position : position + 8]
            if len(chunk) < 8:
                raise _Fault("no samples in it")
            name, length = struct.unpack("<4sI", chunk)
            position += 8
            if name == b"fmt ":
                if len(head) < position + 16:
                    raise _Fault("its header is cut off")
                kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", head, position)
                if (channels, rate, bits) != (1, SAMPLE_RATE, 16) or kind not in (PCM, EXTENSIBLE):
                    raise _Fault(f"{channels} channels of {bits} bit at {rate} Hz, format {kind}")
                described = True
            elif name == b"data":
                if not described:
                    raise _Fault("its samples come before their format")
                # the length in the header is wrong in streamed and in cut-off files
                return position, max(0, min(length, size - position)) // 2
            position += length + length % 2
    finally:
        os.close(file)


class AudioReader:
    """The samples of many recordings: mono 16-bit WAV files of 22 050 Hz.

    `lengths` holds the number of samples of each, int64 [N]. Raises UserError that names the
    files that are anything else.
    """

    def __init__(self, paths: Sequence[str | Path]):
        self.paths = [os.fspath(path) for path in paths]
        self.lengths = np.zeros(len(paths), np.int64)
        self._offsets = np.zeros(len(paths), np.int64)
        faults = []
        for i, path in enumerate(paths):
            try:
                self._offsets[i], self.lengths[i] = _find_samples(Path(path))
            except _Fault as fault:
                faults.append(f"{path} ({fault})")
        if faults:
            more = f" and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
            raise UserError(
                f"not a mono 16-bit WAV of {SAMPLE_RATE} Hz: {', '.join(faults[:NAMED])}{more}; "
                "prepare the dataset again"
            )

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, i: int, start: int = 0, samples: int | None = None) -> np.ndarray:
        """Samples start..start+samples of recording i, int16 [S]; up to its end where None.

        Raises UserError where the file has become shorter or unreadable since it was opened.
        """
        if samples is None:
            samples = int(self.lengths[i]) - start
        out = np.empty(samples, np.int16)
        self.read_into(i, start, out)
        return out

    def read_into(self, i: int, start: int, out: np.ndarray) -> None:
        """Fills `out`, contiguous int16 [S], with the samples of recording i from `start` on."""
        try:
            file = os.open(self.paths[i], os.O_RDONLY)
            try:
                done, there = 0, out.view(np.uint8)
                place = int(self._offsets[i]) + 2 * start
                while done < len(there):  # one call reads 2 GB at the most
                    step = os.preadv(file, [there[done:].data], place + done)
                    if not step:
                        break
                    done += step
            finally:
                os.close(file)
        except OSError as error:
            raise UserError(f"cannot read {self.paths[i]}: {error.strerror}") from None
        if done != 2 * len(out):
            raise UserError(
                f"{self.paths[i]} ends before sample {start + len(out)}: it was changed; "
                "prepare the dataset again"
            )
