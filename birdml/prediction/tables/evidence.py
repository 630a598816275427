"""What detections are made of: what was heard, and what date, time and place added."""

from collections.abc import Sequence
from pathlib import Path

from scipy.special import expit

from birdml.calibration.events import Event
from birdml.prediction.tables.rows import Made, NamedRecording, Part, csv_bytes, join_csv

HEADER: tuple[str, ...] = (
    "file",
    "start",
    "end",
    "species",
    "latin_name",
    "score",
    "audio",
    "place",
)
HEADER += ("score_without_place", "change")
WHOLE = "evidence.csv"


def place(name: str, date: str, site: str | None = None) -> str:
    return f"{name}.evidence.csv"


def content(detections: Sequence[Event], sound: NamedRecording, made: Made) -> bytes:
    return csv_bytes(HEADER, (_row(d, sound, made) for d in detections))


def join(out: Path, parts: Sequence[Part]) -> None:
    join_csv(out / WHOLE, HEADER, (out / place(part.name, "") for part in parts))


def _row(d: Event, sound: NamedRecording, made: Made) -> tuple[object, ...]:
    assert d.audio is not None and d.place is not None
    one = made.species[d.label]
    times = (f"{d.start:.3f}", f"{d.end:.3f}")
    with_place, alone = (f"{expit(x):.6f}" for x in (d.audio + d.place, d.audio))
    odds = (f"{d.audio:.3f}", f"{d.place:.3f}")
    return (sound.file, *times, one.class_id, one.latin_name, with_place, *odds, alone, d.change)
