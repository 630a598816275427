"""Our own table: everything that is known of a detection."""

from collections.abc import Sequence
from pathlib import Path

from birdml.calibration.events import Event
from birdml.prediction.tables.rows import (
    Made,
    NamedRecording,
    Part,
    csv_bytes,
    field_cells,
    join_csv,
    moment,
)

HEADER: tuple[str, ...] = ("file", "start", "end", "species", "latin_name", "score", "rank")
HEADER += ("common_name", "logit", "windows", "date", "time", "model", "version")
FIELD = ("site", "latitude", "longitude", "wall_clock")  # behind them, where they are asked for
WHOLE = "predictions.csv"


def place(name: str, date: str, site: str | None = None) -> str:
    return f"{name}.csv"


def content(detections: Sequence[Event], sound: NamedRecording, made: Made) -> bytes:
    return csv_bytes(header(sound.field is not None), (_row(d, sound, made) for d in detections))


def join(out: Path, parts: Sequence[Part]) -> None:
    asked = any(part.site is not None for part in parts)
    join_csv(out / WHOLE, header(asked), (out / place(part.name, "") for part in parts))


def header(field: bool) -> tuple[str, ...]:
    """The columns, with or without those of when and where in full."""
    return HEADER + FIELD if field else HEADER


def _row(d: Event, sound: NamedRecording, made: Made) -> tuple[object, ...]:
    one = made.species[d.label]
    what = (one.class_id, one.latin_name, f"{d.score:.6f}", d.rank)
    more = (made.common_name(d.label), f"{d.logit:.4f}", d.windows, *moment(sound, d.start))
    by = (made.model, made.version, *field_cells(sound, d.start))
    return (sound.file, f"{d.start:.3f}", f"{d.end:.3f}", *what, *more, *by)
