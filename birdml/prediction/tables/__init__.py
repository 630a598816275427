"""Tables of detections, one module for each form that people have tools for: docs/tables.md."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from birdml.calibration.events import Event
from birdml.files import writing
from birdml.prediction.evidence import DROPPED
from birdml.prediction.tables import audacity, birdnet, csv, evidence, kaleidoscope, parquet, raven
from birdml.prediction.tables.rows import Made, NamedRecording, Part


class TableForm(Protocol):
    """What a module of this folder has."""

    def place(self, name: str, date: str, site: str | None = None) -> str:
        """Where the table of a recording lies in the folder of results; `site` is None where tables
        have none."""

    def content(self, detections: Sequence[Event], sound: NamedRecording, made: Made) -> bytes:
        """The table of one recording, in order of time."""

    def join(self, out: Path, parts: Sequence[Part]) -> None:
        """Makes the table of the whole folder, where there is one, out of its recordings'. Raises
        TooLarge where there is none any more since nothing would open it."""


FORMS: dict[str, TableForm] = {
    "csv": csv,
    "raven": raven,
    "audacity": audacity,
    "kaleidoscope": kaleidoscope,
    "birdnet": birdnet,
    "parquet": parquet,
    "evidence": evidence,
}
EVIDENCE = "evidence"  # holds what place took away as well
FORMATS = tuple(form for form in FORMS if form != EVIDENCE)  # that users ask for by name


def write(
    form: str, out: Path, detections: Sequence[Event], sound: NamedRecording, made: Made
) -> None:
    """Writes the table of one recording. Raises UserError where it can't be written."""
    if form != EVIDENCE:
        detections = [one for one in detections if one.change != DROPPED]
    table = FORMS[form].content(detections, sound, made)
    site = None if sound.field is None else sound.field.site
    with writing(out / FORMS[form].place(sound.name, sound.date, site)) as file:
        file.write(table)
