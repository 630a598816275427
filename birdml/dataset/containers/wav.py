"""WAV files, of 32 and of 64 bits: all samples behind the header, whatever length it tells."""

import struct
from pathlib import Path

import soundfile

from birdml.dataset.containers.parts import MOST_CHUNKS, Parts, View, as_it_is, tells_less

SLACK = 0.05  # seconds that a header may be wrong by without a word
STREAMED_64 = 1 << 48  # bytes beyond which a length stands for "unknown"
SUBTYPES = {
    (1, 8): "PCM_U8",
    (1, 16): "PCM_16",
    (1, 24): "PCM_24",
    (1, 32): "PCM_32",
    (3, 32): "FLOAT",
    (3, 64): "DOUBLE",
}


def read(path: Path) -> Parts | None:
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
            return Parts([as_it_is(path)], share=share)
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

    return Parts([opened], length / second, [tells_less(told / second, there / second)])


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
