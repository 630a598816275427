"""Our own table: everything that is known of a detection."""

from collections.abc import Sequence
from pathlib import Path

from birdml.calibration.events import Event
from birdml.prediction.tables.rows import (
    Made,
    Part,
    Sound,
    common_name,
    csv_bytes,
    join_csv,
    moment,
)

HEADER: tuple[str, ...] = ("file", "start", "end", "species", "latin_name", "score", "rank")
HEADER += ("common_name", "logit", "windows", "date", "time", "model", "version")
WHOLE = "predictions.csv"


def place(name: str, date: str) -> str:
    return f"{name}.csv"


def content(detections: Sequence[Event], sound: Sound, made: Made) -> bytes:
    return csv_bytes(HEADER, (_row(d, sound, made) for d in detections))


def join(out: Path, parts: Sequence[Part]) -> None:
    join_csv(out / WHOLE, HEADER, [out / place(part.name, "") for part in parts])


def _row(d: Event, sound: Sound, made: Made) -> tuple[object, ...]:
    one = made.species[d.label]
    what = (one.class_id, one.latin_name, f"{d.score:.6f}", d.rank)
    more = (common_name(one), f"{d.logit:.4f}", d.windows, *moment(sound, d.start))
    return (sound.file, f"{d.start:.3f}", f"{d.end:.3f}", *what, *more, made.model, made.version)
