"""Where the sound lies in a file, whatever its header says: one reader per kind of container.

Headers of recorders that lost their power, of streams and of joined files are wrong: a WAV header
of length 0 or of 32 bits for more than 4 GB, an MP3 file without or with an old count of frames, an
OGG file of several chains. Here the file itself is asked, and the decoder gets all of it.
"""

import struct
from pathlib import Path

from birdml.dataset.containers import au_caf_w64, flac, mp3, ogg, wav
from birdml.dataset.containers.parts import Parts, as_it_is


def parts_of(path: Path) -> Parts:
    """The parts of a file, mostly one. Raises OSError where it can't be read."""
    with open(path, "rb") as file:
        head = file.read(16)
    try:
        found = _known(path, head)
    except struct.error:  # cut off within its header: whoever decodes it will say so
        found = None
    return found or Parts([as_it_is(path)])


def _known(path: Path, head: bytes) -> Parts | None:
    """The parts of a file whose container we know by its first bytes."""
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return wav.read(path)
    if head[:4] == b"fLaC":
        return flac.read(path)
    if head[:4] == b"OggS":
        return ogg.read(path)
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        return mp3.read(path)
    if head[:4] in au_caf_w64.MARKS:
        return au_caf_w64.read(path)
    return None
