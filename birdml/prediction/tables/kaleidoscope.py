"""Tables that Kaleidoscope opens: it finds a sound by INDIR, FOLDER and IN FILE, and in it a
detection by OFFSET and DURATION in seconds."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from birdml.calibration.events import Event
from birdml.prediction.tables.rows import (
    Made,
    NamedRecording,
    Part,
    csv_bytes,
    join_csv,
    latin_name,
    moment,
)

HEADER: tuple[str, ...] = ("INDIR", "FOLDER", "IN FILE", "OFFSET", "DURATION", "DATE", "TIME")
HEADER += ("scientific_name", "common_name", "confidence")
WHOLE = "predictions.kaleidoscope.csv"


def place(name: str, date: str, site: str | None = None) -> str:
    return f"{name}.kaleidoscope.csv"


def content(detections: Sequence[Event], sound: NamedRecording, made: Made) -> bytes:
    file = PurePosixPath(sound.file)
    folder = "" if file.parent == PurePosixPath(".") else str(file.parent)

    def row(d: Event) -> tuple[object, ...]:
        one = made.species[d.label]
        times = (f"{d.start:.3f}", f"{d.end - d.start:.3f}", *moment(sound, d.start))
        names = (latin_name(one), made.common_name(d.label) or latin_name(one))
        return (sound.folder, folder, file.name, *times, *names, f"{d.score:.4f}")

    return csv_bytes(HEADER, map(row, detections))


def join(out: Path, parts: Sequence[Part]) -> None:
    join_csv(out / WHOLE, HEADER, (out / place(part.name, "") for part in parts))
