"""Label tracks of Audacity, one for each recording."""

from collections.abc import Sequence
from pathlib import Path

from birdml.calibration.events import Event
from birdml.prediction.tables.rows import Made, NamedRecording, Part, latin_name


def place(name: str, date: str, site: str | None = None) -> str:
    return f"{name}.labels.txt"


def content(detections: Sequence[Event], sound: NamedRecording, made: Made) -> bytes:
    lines = (
        f"{d.start:.6f}\t{d.end:.6f}\t{latin_name(made.species[d.label])} {d.score:.2f}\n"
        for d in detections
    )
    return "".join(lines).encode()


def join(out: Path, parts: Sequence[Part]) -> None:
    """A label track belongs to one recording: there is none of a folder."""
