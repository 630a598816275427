"""A dataset in Parquet: one file for each recording, partitioned by the day of the recording.

`predictions.parquet/recorded=2023-05-12/<16 digits of the recording>.parquet`, without a date
`recorded=unknown`; the columns are those of our CSV, as numbers where they are numbers.
"""

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path

from birdml.calibration.events import Event
from birdml.prediction.tables.csv import HEADER
from birdml.prediction.tables.rows import Made, Part, Sound, common_name, moment

FOLDER = "predictions.parquet"
NUMBERS = {"start": "float64", "end": "float64", "score": "float64", "logit": "float32"}
NUMBERS |= {"rank": "int32", "windows": "int32"}


def place(name: str, date: str) -> str:
    return f"{FOLDER}/recorded={date or 'unknown'}/{_digits(name)}.parquet"


def content(detections: Sequence[Event], sound: Sound, made: Made) -> bytes:
    import pyarrow
    from pyarrow import parquet

    species = [made.species[d.label] for d in detections]
    moments = [moment(sound, d.start) for d in detections]
    columns = {
        "file": [sound.file] * len(species),
        **{name: [getattr(d, name) for d in detections] for name in NUMBERS},
        "species": [one.class_id for one in species],
        "latin_name": [one.latin_name for one in species],
        "common_name": [common_name(one) for one in species],
        "date": [date for date, _ in moments],
        "time": [time for _, time in moments],
        "model": [made.model] * len(species),
        "version": [made.version] * len(species),
    }
    about = {"birdml.model": made.model, "birdml.version": made.version}
    types = [(name, pyarrow.type_for_alias(NUMBERS.get(name, "string"))) for name in HEADER]
    table = pyarrow.table(columns, schema=pyarrow.schema(types, metadata=about))
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def join(out: Path, parts: Sequence[Part]) -> None:
    """Removes the files of recordings that have no tables any more: the rest is the dataset."""
    kept = {_digits(part.name) for part in parts}
    for path in (out / FOLDER).glob("recorded=*/*.parquet"):
        if path.stem not in kept:
            path.unlink()


def _digits(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
