"""What a served model is asked: a table with one recording per row, checked and decoded.

Columns, all optional, in any order:

    path        audio file that the model's machine can read
    audio       bytes of a WAV, FLAC, OGG or MP3 file; over HTTP in base64
    samples     list of samples, mono: whole numbers of 16 bits, or fractions in -1..1
    rate        samples per second, with `samples`
    date, time  yyyy-mm-dd, hh:mm
    latitude, longitude, elevation   degrees, degrees, metres

A row gives its audio in one of the three ways or not at all; empty metadata is unknown metadata.
"""

import base64
import binascii
import math
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from birdml.dataset.convert import QUALITY, UnreadableAudio, read_any_audio
from birdml.dataset.recording import SAMPLE_RATE, Recording
from birdml.errors import UserError

if TYPE_CHECKING:
    from pandas import DataFrame

AUDIO = ("path", "audio", "samples")
PLACE = {"latitude": 90.0, "longitude": 180.0, "elevation": 10000.0}  # largest magnitudes
COLUMNS = (*AUDIO, "rate", "date", "time", *PLACE)
RATES = (1000, 768000)  # samples per second that recorders use


@dataclass(frozen=True)
class Request:
    """One row: int16 samples [S] at 22 050 Hz or None, and a recording with its metadata."""

    samples: np.ndarray | None
    recording: Recording

    @property
    def has_metadata(self) -> bool:
        r = self.recording
        return bool(r.date or r.time) or any(getattr(r, name) is not None for name in PLACE)


def read_requests(table: "DataFrame") -> list[Request]:
    """The rows of a table. Raises UserError that lists every row it cannot use, and why."""
    unknown = [str(column) for column in table.columns if column not in COLUMNS]
    if unknown:
        raise UserError(f"unknown columns {', '.join(unknown)}; there are {', '.join(COLUMNS)}")
    if not len(table):
        raise UserError(f"no recordings: give rows with some of {', '.join(COLUMNS)}")
    requests, problems = [], []
    for number, row in enumerate(table.to_dict("records")):
        try:
            requests.append(_read_row({k: v for k, v in row.items() if not _is_empty(v)}))
        except (ValueError, UserError) as error:
            problems.append(f"row {number}: {error}")
    if problems:
        raise UserError("; ".join(problems))
    return requests


def _is_empty(value: Any) -> bool:
    return (
        value is None
        or value is np.ma.masked
        or (np.isscalar(value) and value != value)
        or (isinstance(value, str) and not value.strip())
    )


def _read_row(row: Mapping[str, Any]) -> Request:
    ways = [way for way in AUDIO if way in row]
    if len(ways) > 1:
        raise ValueError(f"audio is given as {' and '.join(ways)}; give it in one way")
    if "rate" in row and ways != ["samples"]:
        raise ValueError("rate belongs to samples; a file says its own")
    latitude, longitude, elevation = (_number(row, name, PLACE[name]) for name in PLACE)
    recording = Recording(
        file="",
        split="",
        date=_date(row),
        time=_time(row),
        latitude=latitude,
        longitude=longitude,
        elevation=elevation,
    )
    samples = None
    if ways == ["path"]:
        samples = _read_file(row["path"])
    elif ways == ["audio"]:
        samples = _read_bytes(row["audio"])
    elif ways == ["samples"]:
        samples = _resampled(row["samples"], row.get("rate"))
    request = Request(samples, recording)
    if samples is None and not request.has_metadata:
        raise ValueError("neither audio nor any metadata")
    return request


def _read_file(path: Any) -> np.ndarray:
    if not isinstance(path, str | Path):
        raise ValueError("path is no text")
    if not Path(path).is_file():
        raise ValueError(f"no file at '{path}'")
    try:
        return _some(read_any_audio(Path(path)))
    except UnreadableAudio as error:
        raise ValueError(f"cannot read '{path}' as audio: {error}") from None


def _read_bytes(audio: Any) -> np.ndarray:
    if isinstance(audio, str):
        try:
            audio = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("audio is no base64") from None
    if not isinstance(audio, bytes | bytearray):
        raise ValueError("audio is neither bytes nor base64")
    with tempfile.NamedTemporaryFile(prefix="birdml-") as file:
        file.write(audio)
        file.flush()
        try:
            return _some(read_any_audio(Path(file.name)))
        except UnreadableAudio as error:
            reason = str(error).replace(file.name, "the bytes")
            raise ValueError(f"cannot read the {len(audio)} bytes as audio: {reason}") from None


def _resampled(values: Any, rate: Any) -> np.ndarray:
    import soxr

    try:
        samples = np.asarray(values)
    except ValueError:
        samples = np.array(None)
    if samples.ndim != 1 or samples.dtype.kind not in "iuf":
        raise ValueError("samples is no list of numbers, mono")
    if not isinstance(rate, int | float | np.number) or not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"rate must be a number in {RATES[0]}..{RATES[1]} with samples")
    if samples.dtype.kind == "f":
        if not (np.abs(samples) <= 1).all():
            raise ValueError("samples that are fractions must lie in -1..1")
        samples = samples * 32767
    elif len(samples) and (samples.min() < -32768 or samples.max() > 32767):
        raise ValueError("samples that are whole numbers must have 16 bits")
    samples = samples.astype(np.float32)
    if rate != SAMPLE_RATE:
        samples = soxr.resample(samples, rate, SAMPLE_RATE, quality=QUALITY)
    return _some(np.clip(np.rint(samples), -32768, 32767).astype(np.int16))


def _some(samples: np.ndarray) -> np.ndarray:
    if not len(samples):
        raise ValueError("the audio holds no samples")
    return samples


def _date(row: Mapping[str, Any]) -> str:
    if "date" not in row:
        return ""
    try:
        return date.fromisoformat(str(row["date"])).isoformat()
    except ValueError:
        raise ValueError(f"date '{row['date']}' is not yyyy-mm-dd") from None


def _time(row: Mapping[str, Any]) -> str:
    if "time" not in row:
        return ""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(:[0-5]\d)?", str(row["time"]).strip())
    if not found:
        raise ValueError(f"time '{row['time']}' is not hh:mm")
    return f"{int(found[1]):02d}:{found[2]}{found[3] or ''}"


def _number(row: Mapping[str, Any], name: str, limit: float) -> float | None:
    if name not in row:
        return None
    try:
        value = float(row[name])
    except (TypeError, ValueError):
        raise ValueError(f"{name} '{row[name]}' is no number") from None
    if not (math.isfinite(value) and abs(value) <= limit):
        raise ValueError(f"{name} {value:g} is not in -{limit:g}..{limit:g}")
    return value
