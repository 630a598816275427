"""Tables with the columns of BirdNET-Analyzer, for the scripts that read those."""

from collections.abc import Sequence
from pathlib import Path

from birdml.calibration.events import Event
from birdml.prediction.tables.rows import (
    Made,
    NamedRecording,
    Part,
    csv_bytes,
    join_csv,
    latin_name,
)

HEADER = ("Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File")
WHOLE = "BirdNET_CombinedTable.csv"  # its name does not match that of single tables


def place(name: str, date: str, site: str | None = None) -> str:
    return f"{name}.BirdNET.results.csv"


def content(detections: Sequence[Event], sound: NamedRecording, made: Made) -> bytes:
    def row(d: Event) -> tuple[object, ...]:
        one = made.species[d.label]
        names = (latin_name(one), made.common_name(d.label) or latin_name(one))
        return (f"{d.start:.1f}", f"{d.end:.1f}", *names, f"{d.score:.4f}", sound.path)

    return csv_bytes(HEADER, map(row, detections))


def join(out: Path, parts: Sequence[Part]) -> None:
    join_csv(out / WHOLE, HEADER, (out / place(part.name, "") for part in parts))
