"""What is asked of `prepare`, and what tells one dataset from another."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from birdml.annotations.preparing import Given
from birdml.dataset.channels import channel_number
from birdml.dataset.dividing import VALID_BY
from birdml.dataset.listed import read_list
from birdml.dataset.raw import RawRecording
from birdml.errors import UserError


@dataclass(frozen=True)
class Request:
    """What was asked for. Equal requests make equal datasets, on any machine."""

    source: str
    layout: str = "auto"
    audio: str = ""
    valid: str = "0.1"
    seed: int = 0
    columns: str = ""
    valid_by: str = "group"  # what train and valid must not share; see dividing.VALID_BY
    noise: str = ""  # a folder of recordings in which nothing sings
    channel: str = "mean"
    sites: str = ""  # tables and zone that tell when and where; see dataset.circumstances
    metadata: str = ""
    timezone: str = ""
    annotations: str = ""  # a table of marks in time, or a folder of them
    names: str = ""  # a table: what names in annotations mean
    mark_columns: str = ""


def validation(request: Request) -> tuple[float, list[str] | None]:
    """The fraction of recordings to validate on, or the lines of a list of them.

    Raises UserError where `valid`, `valid_by` or `channel` can't be.
    """
    fraction, lines = _parse_valid(request.valid)
    channel_number(request.channel)
    if request.valid_by not in VALID_BY:
        raise UserError(f"valid_by='{request.valid_by}'; it can be {', '.join(VALID_BY)}")
    if request.valid_by != "group" and lines is not None:
        raise UserError("valid is a list: valid_by would decide nothing; give a fraction")
    return fraction, lines


def _parse_valid(valid: str) -> tuple[float, list[str] | None]:
    """A fraction, or the lines of a file."""
    try:
        fraction = float(valid)
    except ValueError:
        path = Path(valid)
        if not path.is_file():
            raise UserError(
                f"valid={valid} is neither a fraction such as 0.1 nor a file that lists the "
                "validation recordings"
            ) from None
        return 0.0, read_list(path)
    if not 0 <= fraction < 1:
        raise UserError(f"valid={valid} must be at least 0 and less than 1")
    return fraction, None


def fingerprint(
    recordings: Sequence[RawRecording],
    fraction: float,
    listed: frozenset[str] | None,
    request: Request,
    marks: Given | None = None,
) -> str:
    """Of everything that the result depends on but the inside of audio files."""
    digest = hashlib.sha256()
    for r in recordings:
        size = 0
        if r.audio:
            with suppress(OSError):
                size = r.audio.stat().st_size
        values: list[object] = [
            r.file,
            r.origin,
            r.split,
            r.class_id,
            r.latin,
            r.background,
            r.media_id,
        ]
        values += [sorted(r.fields.items()), r.edition, r.recordist, r.place, r.audio_name, size]
        digest.update(json.dumps(values).encode())
    chosen = sorted(listed) if listed is not None else fraction
    digest.update(json.dumps([chosen, request.seed]).encode())
    if (request.valid_by, request.channel) != (Request.valid_by, Request.channel):
        digest.update(json.dumps([request.valid_by, request.channel]).encode())
    if marks is not None:
        digest.update(marks.fingerprint.encode())
    return digest.hexdigest()[:16]
