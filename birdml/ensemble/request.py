"""What a served model is asked: a table with one recording per row, checked and decoded.

Columns, all optional, in any order:

    path        audio file in a folder that the server's owner allows: those in the environment
                variable BIRDML_SERVE_PATHS, parted as in PATH; without it, no path is read
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
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from birdml.dataset.decoders.notes import UnreadableAudio
from birdml.dataset.decoding import QUALITY, read_any_audio
from birdml.dataset.recording import SAMPLE_RATE, Recording
from birdml.errors import UserError

if TYPE_CHECKING:
    from pandas import DataFrame

AUDIO = ("path", "audio", "samples")
PLACE = {"latitude": 90.0, "longitude": 180.0, "elevation": 10000.0}  # largest magnitudes
COLUMNS = (*AUDIO, "rate", "date", "time", *PLACE)
ALLOWED = "BIRDML_SERVE_PATHS"
SHOWN = 60  # characters of a value that a message quotes
TIME = r"([01]?\d|2[0-3]):([0-5]\d)(:[0-5]\d)?"
RATES = (1000, 768000)  # samples per second that recorders use


@dataclass(frozen=True)
class ServedRow:
    """One row: int16 samples [S] at 22 050 Hz or None, and a recording with its metadata."""

    samples: np.ndarray | None
    recording: Recording

    @property
    def has_metadata(self) -> bool:
        r = self.recording
        return bool(r.date or r.time) or any(getattr(r, name) is not None for name in PLACE)


def read_rows(table: "DataFrame") -> list[ServedRow]:
    """The rows of a table. Raises UserError that lists every row it cannot use, and why."""
    unknown = [_said(column) for column in table.columns if column not in COLUMNS]
    if unknown:
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        listed = ", ".join(unknown[:10])
        raise UserError(f"unknown columns {listed}{more}; there are {', '.join(COLUMNS)}")
    if not len(table):
        raise UserError(f"no recordings: give rows with some of {', '.join(COLUMNS)}")
    if not table.columns.is_unique:
        raise UserError("a column is given twice; give each once")
    rows: list[ServedRow] = []
    problems: list[str] = []
    for number, row in enumerate(table.to_dict("records")):
        try:
            rows.append(_read_row({k: v for k, v in row.items() if not _is_empty(v)}))
        except (ValueError, UserError) as error:
            problems.append(f"row {number}: {error}")
    if problems:
        raise UserError("\n".join(problems))
    return rows


def read_metadata(given: Mapping[str, Any]) -> Recording:
    """A recording with the date, time and place that are given by name, checked as in a row.

    Raises UserError for a value that can't be.
    """
    try:
        return _read_row({name: v for name, v in given.items() if not _is_empty(v)}).recording
    except ValueError as error:
        raise UserError(str(error)) from None


def _is_empty(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    if value is None or value is np.ma.masked:
        return True
    if isinstance(value, Decimal):
        return value.is_nan()  # of a signalling one nothing may be asked but this
    number = isinstance(value, float | np.floating | datetime)  # NaT is a datetime
    return number and bool(value != value)


def _said(value: Any) -> str:
    """A value as a message quotes it: on one line, and not all of 70 000 characters."""
    if isinstance(value, int) and abs(value) > 10**SHOWN:
        return "a huge number"
    text = ascii(value)[1:-1] if isinstance(value, str) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _read_row(row: Mapping[str, Any]) -> ServedRow:
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
    served = ServedRow(samples, recording)
    if samples is None and not served.has_metadata:
        raise ValueError("neither audio nor any metadata")
    return served


def _read_file(path: Any) -> np.ndarray:
    if not isinstance(path, str | Path):
        raise ValueError("path is no text")
    allowed = [folder for folder in os.environ.get(ALLOWED, "").split(os.pathsep) if folder]
    if not allowed:
        raise ValueError(
            f"paths are not read by this server; its owner can allow folders in {ALLOWED}: give "
            "the audio itself instead"
        )
    try:
        real = Path(path).resolve()
        inside = any(real.is_relative_to(Path(folder).resolve()) for folder in allowed)
        there = inside and real.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, NUL or lone surrogates, links in a ring
        inside = there = False
    if not inside:  # nor whether there is such a file
        raise ValueError(f"path '{_said(str(path))}' lies in no folder that {ALLOWED} allows")
    if not there:
        raise ValueError(f"no file at '{_said(str(path))}'")
    try:
        return _some(read_any_audio(real))
    except UnreadableAudio as error:
        what = f"cannot read '{_said(str(path))}' as audio: {error}"
        raise ValueError(" ".join(what.split())) from None
    except OSError as error:
        raise ValueError(f"cannot read '{_said(str(path))}': {error.strerror}") from None


def _read_bytes(audio: Any) -> np.ndarray:
    if isinstance(audio, str):
        try:
            audio = base64.b64decode("".join(audio.split()), validate=True)  # lines of 76 or 64
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
    except (ValueError, OverflowError):
        samples = np.array(None)
    if samples.ndim != 1 or samples.dtype.kind not in "iuf":
        raise ValueError("samples is no list of numbers, mono")
    if (
        not isinstance(rate, int | float | np.integer | np.floating)
        or not RATES[0] <= rate <= RATES[1]
    ):
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
        value = row["date"]  # pandas reads the column of a CSV or of JSON as it likes
        moment = value.date() if isinstance(value, datetime) else value
        return date.fromisoformat(str(moment)).isoformat()
    except ValueError:
        raise ValueError(f"date '{_said(row['date'])}' is not yyyy-mm-dd") from None


def _time(row: Mapping[str, Any]) -> str:
    if "time" not in row:
        return ""
    found = re.fullmatch(TIME, str(row["time"]).strip(), re.ASCII)
    if not found:
        raise ValueError(f"time '{_said(row['time'])}' is not hh:mm")
    return f"{int(found[1]):02d}:{found[2]}{found[3] or ''}"


def _number(row: Mapping[str, Any], name: str, limit: float) -> float | None:
    if name not in row:
        return None
    try:
        value = float(row[name])
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} '{_said(row[name])}' is no number") from None
    if not (math.isfinite(value) and abs(value) <= limit):
        raise ValueError(f"{name} {value:g} is not in -{limit:g}..{limit:g}")
    return value
