"""MPEG audio (MP3, MP2): the frames of a file, counted."""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import soundfile

from birdml.dataset.containers.parts import Parts, as_it_is, stretch, tells_less

VERSIONS = {0: 2.5, 2: 2, 3: 1}
RATES = {1: (44100, 48000, 32000), 2: (22050, 24000, 16000), 2.5: (11025, 12000, 8000)}
KBITS = {  # by (version 1 or not, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
DELAY = 3  # frames by which encoders may lengthen a file, which decoders cut off again


@dataclass(frozen=True)
class Frame:
    """Header of one MPEG frame."""

    version: float
    layer: int
    rate: int
    length: int  # bytes
    samples: int
    mono: bool

    @property
    def side(self) -> int:
        """Bytes of side information of layer III."""
        return (17 if self.mono else 32) if self.version == 1 else (9 if self.mono else 17)


def _frame(header: bytes) -> Frame | None:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = VERSIONS.get(header[1] >> 3 & 3), 4 - (header[1] >> 1 & 3)
    bits, rate_index = header[2] >> 4, header[2] >> 2 & 3
    if version is None or layer == 4 or not 0 < bits < 15 or rate_index == 3:
        return None
    rate = RATES[version][rate_index]
    kbits = KBITS[version == 1, layer][bits - 1]
    padding = header[2] >> 1 & 1
    if layer == 1:
        length, samples = (12 * kbits * 1000 // rate + padding) * 4, 384
    else:
        samples = 1152 if layer == 2 or version == 1 else 576
        length = samples // 8 * kbits * 1000 // rate + padding
    return Frame(version, layer, rate, length, samples, header[3] >> 6 == 3)


def read(path: Path) -> Parts | None:
    """A file with a true count of frames in front, where it has none or a smaller one."""
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        first = _next_frame(content, _behind_tag(content, 0))
        if first is None:
            return None
        begin, frame = first
        told, behind = _told(content, begin, frame)
        info = bytes(content[begin:behind])  # a frame without sound, that tells of the others
        count, whole = _count(content, behind, frame)
        header = bytes(content[begin : begin + 4])
    if not count:
        return None
    seconds = count * frame.samples / frame.rate
    promised = max(seconds, (told or 0) * frame.samples / frame.rate)
    remarks: list[str] = []
    try:
        with as_it_is(path)() as sound:
            decoded = sound.frames
    except soundfile.SoundFileError:
        return None  # whoever decodes it will say so
    if decoded >= (count - DELAY) * frame.samples or frame.layer != 3:
        return Parts([as_it_is(path)], promised, remarks, whole=whole)
    if told is not None:
        remarks.append(tells_less(told * frame.samples / frame.rate, seconds))
    place = 4 + frame.side
    if info[place : place + 4] in (b"Xing", b"Info") and info[place + 7] & 1:
        front = info[: place + 8] + struct.pack(">I", count) + info[place + 12 :]
    else:
        front = bytes([header[0], header[1] | 1, header[2], header[3]]).ljust(place, b"\0")
        front = (front + b"Xing" + struct.pack(">II", 1, count)).ljust(frame.length, b"\0")
    if len(front) != frame.length:  # a frame too small for a count
        return Parts([as_it_is(path)], promised, remarks, whole=whole)
    length = path.stat().st_size - behind
    return Parts([stretch(path, behind, length, front)], promised, remarks, whole=whole)


def _behind_tag(content, position: int) -> int:
    while content[position : position + 3] == b"ID3" and len(content) >= position + 10:
        size = 0
        for byte in content[position + 6 : position + 10]:
            size = size << 7 | byte & 127
        position += 10 + size + (10 if content[position + 5] & 16 else 0)
    return position


def _next_frame(content, position: int, like: Frame | None = None) -> tuple[int, Frame] | None:
    """The next place where a frame begins that another one follows (or the end of the file)."""
    while (position := content.find(b"\xff", position)) >= 0:
        frame = _frame(content[position : position + 4])
        if frame and (like is None or _alike(frame, like)):
            end = position + frame.length
            following = _frame(content[end : end + 4])
            if end >= len(content) - 128 or (following and _alike(frame, following)):
                return position, frame
        position += 1
    return None


def _alike(a: Frame, b: Frame) -> bool:
    return (a.version, a.layer, a.rate) == (b.version, b.layer, b.rate)


def _told(content, begin: int, frame: Frame) -> tuple[int | None, int]:
    """The number of frames by a header frame, if there is one, and where the sound begins."""
    place = begin + 4 + frame.side
    if content[place : place + 4] in (b"Xing", b"Info"):
        flags, count = struct.unpack(">II", content[place + 4 : place + 12])
        return count if flags & 1 else None, begin + frame.length
    if content[begin + 36 : begin + 40] == b"VBRI":
        return struct.unpack(">I", content[begin + 50 : begin + 54])[0], begin + frame.length
    return None, begin


def _count(content, position: int, like: Frame) -> tuple[int, bool]:
    """Frames of sound from a place on, and whether the last one is whole."""
    count, size = 0, len(content)
    while position < size:
        frame = _frame(content[position : position + 4])
        if frame is None or not _alike(frame, like):
            found = _next_frame(content, _behind_tag(content, position), like)
            if found is None:
                return count, True
            position, frame = found
        if position + frame.length > size:
            return count, False
        marks = content[position + 4 + frame.side : position + 8 + frame.side]
        count += marks not in (b"Xing", b"Info")
        position += frame.length
    return count, True
