"""FLAC files: the length of a stream, by its last frame."""

import struct
from pathlib import Path

from birdml.dataset.containers.parts import Parts, stretch

LAST_FRAME = 1 << 20  # bytes at the end of a FLAC file in which the last frame begins


def read(path: Path) -> Parts | None:
    """A file with its length in front, where a stream was written without one."""
    with open(path, "rb") as file:
        front = bytearray(file.read(26))
        if len(front) < 26 or front[21] & 15 or any(front[22:26]):
            return None  # the length is there
        size = path.stat().st_size
        file.seek(max(26, size - LAST_FRAME))
        end = file.read()
    smallest, largest = struct.unpack(">HH", front[8:12])
    for at in range(len(end) - 6, -1, -1):
        if end[at] == 0xFF and end[at + 1] & 0xFE == 0xF8:
            count = _samples_until(end[at : at + 16], smallest if smallest == largest else 0)
            if count:
                front[21] |= count >> 32
                front[22:26] = struct.pack(">I", count & 0xFFFFFFFF)
                return Parts([stretch(path, 26, size - 26, bytes(front))])
    return None


def _samples_until(header: bytes, block: int) -> int:
    """Samples up to the end of a FLAC frame by its header; 0 where it is none.

    `block`: samples of every frame but the last, 0 where they vary.
    """
    code, first, at = header[2] >> 4, header[4], 5
    following = 0  # bytes of the number, coded as in UTF-8
    while following < 7 and first & 0x80 >> following:
        following += 1
    if following == 1 or following > 7 or not code:
        return 0
    number = first & (0x7F >> following) if following else first
    for byte in header[at : at + max(0, following - 1)]:
        if byte & 0xC0 != 0x80:
            return 0
        number = number << 6 | byte & 0x3F
    at += max(0, following - 1)
    if code == 1:
        own = 192
    elif code < 6:
        own = 576 << (code - 2)
    elif code < 8:
        width = code - 5
        own = int.from_bytes(header[at : at + width], "big") + 1
        at += width
    else:
        own = 256 << (code - 8)
    at += {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    check = 0
    for byte in header[:at]:
        check ^= byte
        for _ in range(8):
            check = (check << 1 ^ 7 if check & 0x80 else check << 1) & 0xFF
    if at >= len(header) or check != header[at]:
        return 0
    return (number if header[1] & 1 or not block else number * block) + own
