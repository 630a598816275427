"""What a decoder is given: the parts of a file, each a stretch of it as a file of its own."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import soundfile

MOST_CHUNKS = 10_000  # of a file; more are no chunks

Opening = Callable[[], soundfile.SoundFile]


@dataclass
class Parts:
    """What to decode one after the other; `promised`: seconds of all, where the file tells it in
    another way than the decoder would; remarks for people; `share`: how much is there of the bytes
    of sound that the header tells; `whole`: whether the file ends where its sound does."""

    opens: list[Opening]
    promised: float | None = None
    remarks: list[str] = field(default_factory=list)
    share: float = 1.0
    whole: bool = True


class View(io.RawIOBase):
    """Bytes in front, then a stretch of a file, as a file to read."""

    def __init__(self, path: Path, offset: int, length: int, front: bytes = b""):
        self._file = open(path, "rb")  # noqa: SIM115  (closed with the view)
        self._offset, self._front = offset, front
        self._size, self._at = len(front) + length, 0

    def readinto(self, buffer) -> int:
        wanted = min(len(buffer), max(0, self._size - self._at))
        done = 0
        if wanted and self._at < len(self._front):
            piece = self._front[self._at : self._at + wanted]
            buffer[: len(piece)] = piece
            done = len(piece)
        if done < wanted:
            self._file.seek(self._offset + self._at + done - len(self._front))
            piece = self._file.read(wanted - done)
            buffer[done : done + len(piece)] = piece
            done += len(piece)
        self._at += done
        return done

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()


def as_it_is(path: Path) -> Opening:
    """Opens a whole file."""
    return lambda: soundfile.SoundFile(os.fsencode(path))


def stretch(path: Path, offset: int, length: int, front: bytes = b"") -> Opening:
    """Opens so many bytes of a file from an offset on, with others in front of them."""
    return lambda: soundfile.SoundFile(View(path, offset, length, front))


def tells_less(told: float, there: float) -> str:
    """The remark on a header that tells fewer seconds than there are."""
    return f"the header tells {told:.1f} of {there:.1f} s: all was read"
