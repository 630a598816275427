"""Where the sound lies in a file, whatever its header says: the parts that a decoder is given.

Headers of recorders that lost their power, of streams and of joined files are wrong: a WAV header
of length 0 or of 32 bits for more than 4 GB, an MP3 file without or with an old count of frames, an
OGG file of several chains. Here the file itself is asked, and the decoder gets all of it.
"""

import io
import mmap
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import soundfile

SLACK = 0.05  # seconds that a header may be wrong by without a word
STREAMED_64 = 1 << 48  # bytes beyond which a length stands for "unknown"
MOST_CHUNKS = 10_000  # of a WAV file; more are no chunks


@dataclass
class Parts:
    """What to decode one after the other; `promised`: seconds of all, where the file tells it in
    another way than the decoder would; remarks for people; `share`: how much is there of the bytes
    of sound that the header tells; `whole`: whether the file ends where its sound does."""

    opens: list[Callable[[], soundfile.SoundFile]]
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


def parts_of(path: Path) -> Parts:
    """The parts of a file, mostly one. Raises OSError where it can't be read."""
    with open(path, "rb") as file:
        head = file.read(16)
    try:
        found = _known(path, head)
    except struct.error:  # cut off within its header: whoever decodes it will say so
        found = None
    return found or Parts([lambda: soundfile.SoundFile(os.fsencode(path))])


def _known(path: Path, head: bytes) -> Parts | None:
    """The parts of a file whose container we know by its first bytes."""
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _wav(path)
    if head[:4] == b"fLaC":
        return _flac(path)
    if head[:4] == b"OggS":
        return _ogg(path)
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        return _mp3(path)
    if head[:4] in (b".snd", b"caff", b"riff"):
        share = _share(path, head[:4])
        return Parts([lambda: soundfile.SoundFile(os.fsencode(path))], share=share)
    return None


def _share(path: Path, mark: bytes) -> float:
    """Of the sound that the header of an AU, CAF or W64 file tells, how much is there; 1 where it
    does not tell it."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(12)
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


# WAV

SUBTYPES = {
    (1, 8): "PCM_U8",
    (1, 16): "PCM_16",
    (1, 24): "PCM_24",
    (1, 32): "PCM_32",
    (3, 32): "FLOAT",
    (3, 64): "DOUBLE",
}


def _wav(path: Path) -> Parts | None:
    """All samples behind the header, where that tells fewer than there are."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        position, form, told_64 = 12, None, None
        for _ in range(MOST_CHUNKS):
            file.seek(position)
            name, length = _chunk(file.read(8))
            if name is None:
                return None
            position += 8
            if name == b"ds64":
                content = file.read(16)
                told_64 = struct.unpack("<Q", content[8:16])[0] if len(content) == 16 else None
            elif name == b"fmt ":
                content = file.read(40)
                if len(content) >= 16:
                    form = struct.unpack("<HHIIHH", content[:16])
                    if form[0] == 0xFFFE and len(content) >= 26:
                        form = (struct.unpack("<H", content[24:26])[0], *form[1:])
            elif name == b"data":
                break
            position += length + length % 2
        else:
            return None
        if form is None:
            return None
        kind, channels, rate, _, align, bits = form
        told = told_64 if told_64 is not None and length == 0xFFFFFFFF else length
        there = size - position
        if told > there and told_64 is not None:
            share = there / told if told < STREAMED_64 else 1.0
            return Parts([lambda: soundfile.SoundFile(os.fsencode(path))], share=share)
        if told >= there or (kind, bits) not in SUBTYPES or not (channels and rate and align):
            return None
        second = align * rate
        if there - told < SLACK * second or _chunks_follow(file, position + told, size):
            return None
    subtype, offset = SUBTYPES[kind, bits], position
    length = there // align * align

    def opened() -> soundfile.SoundFile:
        view = View(path, offset, length)
        return soundfile.SoundFile(
            view, samplerate=rate, channels=channels, subtype=subtype, format="RAW", endian="LITTLE"
        )

    remark = f"the header tells {told / second:.1f} of {there / second:.1f} s: all was read"
    return Parts([opened], length / second, [remark])


def _chunk(content: bytes) -> tuple[bytes | None, int]:
    """Name and length of a chunk; None for what can be none."""
    if len(content) < 8 or not all(32 <= byte < 127 for byte in content[:4]):
        return None, 0
    return content[:4], struct.unpack("<I", content[4:])[0]


def _chunks_follow(file, position: int, size: int) -> bool:
    """Whether the rest of a file is more chunks, or a tag that some programs append."""
    position += position % 2
    for _ in range(MOST_CHUNKS):
        if size - position < 8:
            return True
        file.seek(position)
        content = file.read(8)
        if content[:3] in (b"ID3", b"TAG") or content[:8] == b"APETAGEX":
            return True
        name, length = _chunk(content)
        if name is None or name == b"data" or position + 8 + length > size + 1:
            return False
        position += 8 + length + length % 2
    return False


# FLAC


def _flac(path: Path) -> Parts | None:
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
                return Parts([_opening(path, 26, size - 26, bytes(front))])
    return None


def _opening(
    path: Path, offset: int, length: int, front: bytes = b""
) -> Callable[[], soundfile.SoundFile]:
    return lambda: soundfile.SoundFile(View(path, offset, length, front))


LAST_FRAME = 1 << 20  # bytes at the end of a FLAC file in which the last frame begins


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


# OGG


def _ogg(path: Path) -> Parts | None:
    """Every chain of a file that holds several; a remark where the last page is missing."""
    size = path.stat().st_size
    starts: list[int] = []
    beginning = ended = False
    with open(path, "rb") as file:
        position = 0
        while position + 27 <= size:
            file.seek(position)
            head = file.read(27)
            if head[:4] != b"OggS":
                break
            table = file.read(head[26])
            if head[5] & 2:
                if not beginning:
                    starts.append(position)
                beginning = True
            else:
                beginning = False
            ended = bool(head[5] & 4)
            position += 27 + len(table) + sum(table)
    if not starts:
        return None
    whole = ended and position <= size
    if len(starts) == 1:
        return Parts([lambda: soundfile.SoundFile(os.fsencode(path))], whole=whole)
    ends = [*starts[1:], size]
    remark = f"{len(starts)} recordings joined in one file: all were read"
    opens = [_opening(path, start, end - start) for start, end in zip(starts, ends)]
    return Parts(opens, None, [remark], whole=whole)


# MP3

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


def _mp3(path: Path) -> Parts | None:
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
        with soundfile.SoundFile(os.fsencode(path)) as sound:
            decoded = sound.frames
    except soundfile.SoundFileError:
        return None  # whoever decodes it will say so
    if decoded >= (count - DELAY) * frame.samples or frame.layer != 3:
        return Parts(
            [lambda: soundfile.SoundFile(os.fsencode(path))], promised, remarks, whole=whole
        )
    if told is not None:
        by_header = told * frame.samples / frame.rate
        remarks.append(f"the header tells {by_header:.1f} of {seconds:.1f} s: all was read")
    place = 4 + frame.side
    if info[place : place + 4] in (b"Xing", b"Info") and info[place + 7] & 1:
        front = info[: place + 8] + struct.pack(">I", count) + info[place + 12 :]
    else:
        front = bytes([header[0], header[1] | 1, header[2], header[3]]).ljust(place, b"\0")
        front = (front + b"Xing" + struct.pack(">II", 1, count)).ljust(frame.length, b"\0")
    if len(front) != frame.length:  # a frame too small for a count
        return Parts(
            [lambda: soundfile.SoundFile(os.fsencode(path))], promised, remarks, whole=whole
        )
    length = path.stat().st_size - behind
    return Parts([_opening(path, behind, length, front)], promised, remarks, whole=whole)


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
