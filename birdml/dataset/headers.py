"""When and where a recording was made, by what its recorder wrote into the WAV file.

GUANO is a chunk of lines `key: value` (guano-md.org); Wildlife Acoustics has a chunk `wamd` of
numbered fields; AudioMoth writes a sentence into the comment of the list of infos. Each is a few
lines to read: the libraries for them read one kind each, or the whole file.
"""

import os
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from birdml.dataset.recorders import Recorded, checked, offset_of

MOST_CHUNKS = 1000  # of a WAV file; more are no chunks
LONGEST = 1 << 16  # bytes of a chunk that are read
ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?(?![\d:])")
AUDIOMOTH = re.compile(
    r"Recorded at (\d\d:\d\d:\d\d)(?:\.\d+)? (\d\d)/(\d\d)/(\d{4}) "
    r"\(UTC(?:([+-]\d{1,2})(?::?(\d\d))?)?\)"
)
WAMD_TIME, WAMD_PLACE = 5, 6
UNTOLD = Recorded()


@dataclass(frozen=True)
class Header:
    """What a file tells: when (see `Recorded`), and degrees and metres; None where it does not."""

    recorded: Recorded = UNTOLD
    latitude: float | None = None
    longitude: float | None = None
    elevation: float | None = None


def read_header(path: Path, now: datetime | None = None) -> Header:
    """What the chunks of a WAV file tell; nothing of a file that is none, or can't be read."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return Header()
    try:
        found = {name: content for name, content in _chunks(file) if content}
    except OSError:
        return Header()
    finally:
        os.close(file)
    for name, read in ((b"guan", _guano), (b"wamd", _wamd), (b"LIST", _comment)):
        if name in found and (header := read(found[name], now)) != Header():
            return header
    return Header()


def _chunks(file: int) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the chunks that tell something."""
    head = os.pread(file, 512, 0)
    if head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:12] != b"WAVE":
        return
    size, position, long = os.fstat(file).st_size, 12, 0
    for _ in range(MOST_CHUNKS):
        chunk = head[position : position + 8] or os.pread(file, 8, position)
        if len(chunk) < 8:
            return
        name, length = struct.unpack("<4sI", chunk)
        position += 8
        if name == b"ds64":
            content = os.pread(file, 16, position)
            long = struct.unpack("<8xQ", content)[0] if len(content) == 16 else 0
        elif name == b"data" and length == 0xFFFFFFFF:
            length = long
        elif name in (b"guan", b"wamd", b"LIST"):
            yield name, os.pread(file, min(length, LONGEST), position)
        position += length + length % 2
        if position >= size:
            return


def _guano(content: bytes, now: datetime | None) -> Header:
    fields = {}
    for line in content.decode("utf-8", errors="replace").split("\n"):
        key, colon, value = line.partition(":")
        if colon:
            fields[key.strip().casefold()] = value.strip().strip("\0")
    place = _place(fields.get("loc position", "").replace(",", " ").split())
    height = _number(fields.get("loc elevation", ""), 10000)
    return Header(_moment(fields.get("timestamp", ""), now), *place, height)


def _wamd(content: bytes, now: datetime | None) -> Header:
    fields: dict[int, str] = {}
    position = 0
    while position + 6 <= len(content):
        number, length = struct.unpack_from("<HI", content, position)
        text = content[position + 6 : position + 6 + length].decode("utf-8", errors="replace")
        fields.setdefault(number, text.strip("\0 "))
        position += 6 + length
    words = [word.strip() for word in fields.get(WAMD_PLACE, "").split(",")]
    values = [word for word in words[1:] if word.upper() not in ("N", "S", "E", "W", "")]
    letters = [word.upper() for word in words if word.upper() in ("N", "S", "E", "W")]
    latitude, longitude = _place(values[:2])
    if latitude is not None and "S" in letters:
        latitude = -abs(latitude)
    if longitude is not None and "W" in letters:
        longitude = -abs(longitude)
    height = _number(values[2], 10000) if len(values) > 2 and latitude is not None else None
    return Header(_moment(fields.get(WAMD_TIME, ""), now), latitude, longitude, height)


def _comment(content: bytes, now: datetime | None) -> Header:
    match = AUDIOMOTH.search(content.decode("latin-1"))
    if not match:
        return Header()
    clock, day, month, year, hours, minutes = match.groups()
    offset = 0
    if hours:
        offset = (abs(int(hours)) * 60 + int(minutes or 0)) * (-1 if hours[0] == "-" else 1)
    try:
        moment = datetime.fromisoformat(f"{year}-{month}-{day}T{clock}")
    except ValueError:
        return Header()
    return Header(checked(moment, offset if abs(offset) <= 14 * 60 else None, now))


def _moment(text: str, now: datetime | None) -> Recorded:
    match = ISO.match(text)
    with suppress(ValueError):
        if match:
            moment = datetime.fromisoformat(f"{match[1]}T{match[2]}")
            return checked(moment, offset_of(match[3] or ""), now)
    return Recorded()


def _place(words: list[str]) -> tuple[float | None, float | None]:
    """Latitude and longitude; neither where one is missing, can't be, or both are 0."""
    if len(words) != 2:
        return None, None
    north, east = _number(words[0], 90), _number(words[1], 180)
    if north is None or east is None or north == 0 == east:
        return None, None
    return north, east


def _number(text: str, limit: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) <= limit else None


def seconds_apart(one: datetime, other: datetime) -> float:
    return abs((one - other) / timedelta(seconds=1))
