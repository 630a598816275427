"""AU, CAF and W64 files: how much there is of the sound that their headers tell."""

import struct
from pathlib import Path

from birdml.dataset.containers.parts import MOST_CHUNKS, Parts, as_it_is

MARKS = (b".snd", b"caff", b"riff")


def read(path: Path) -> Parts:
    """The file as it is, with its share."""
    return Parts([as_it_is(path)], share=_share(path))


def _share(path: Path) -> float:
    """Of the sound that the header of an AU, CAF or W64 file tells, how much is there; 1 where it
    does not tell it."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(12)
        mark = head[:4]
        if mark == b".snd":
            begin, told = struct.unpack(">II", head[4:12])
            return 1.0 if told == 0xFFFFFFFF or not told else min(1.0, (size - begin) / told)
        position = 8 if mark == b"caff" else 40
        for _ in range(MOST_CHUNKS):
            file.seek(position)
            content = file.read(24)
            if len(content) < 24:
                return 1.0
            if mark == b"caff":
                name, told = content[:4], struct.unpack(">q", content[4:12])[0]
                begin, following = position + 12, position + 12 + told
            else:
                name, told = content[:4], struct.unpack("<q", content[16:24])[0] - 24
                begin, following = position + 24, position + 24 + -(-told // 8) * 8
            if name == b"data":
                return min(1.0, max(0, size - begin) / told) if told > 0 else 1.0
            if following <= position:
                return 1.0
            position = following
    return 1.0
