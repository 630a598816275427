"""A dataset in Parquet: one file for each recording, partitioned by the day of the recording.

`predictions.parquet/recorded=2023-05-12/<16 digits of the recording>.parquet`, without a date
`recorded=unknown`; below `site=<name>`, or `site=unknown`, where sites are asked for. The columns
are those of our CSV, as numbers where they are numbers; the site is that of the folder.
"""

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from birdml.calibration.events import Event
from birdml.prediction.tables.csv import FIELD, HEADER
from birdml.prediction.tables.rows import Made, NamedRecording, Part, field_cells, moment

FOLDER = "predictions.parquet"
NUMBERS = {"start": "float64", "end": "float64", "score": "float64", "logit": "float32"}
NUMBERS |= {"rank": "int32", "windows": "int32"}
TYPES = NUMBERS | {"latitude": "float64", "longitude": "float64"}


def place(name: str, date: str, site: str | None = None) -> str:
    of = "" if site is None else f"site={quote(site, safe=' ') or 'unknown'}/"
    return f"{FOLDER}/{of}recorded={date or 'unknown'}/{_digits(name)}.parquet"


def content(detections: Sequence[Event], sound: NamedRecording, made: Made) -> bytes:
    import pyarrow
    from pyarrow import parquet

    species = [made.species[d.label] for d in detections]
    moments = [moment(sound, d.start) for d in detections]
    columns = {
        "file": [sound.file] * len(species),
        **{name: [getattr(d, name) for d in detections] for name in NUMBERS},
        "species": [one.class_id for one in species],
        "latin_name": [one.latin_name for one in species],
        "common_name": [made.common_name(d.label) for d in detections],
        "date": [date for date, _ in moments],
        "time": [time for _, time in moments],
        "model": [made.model] * len(species),
        "version": [made.version] * len(species),
    }
    if sound.field is not None:
        cells = [field_cells(sound, d.start) for d in detections]
        columns["wall_clock"] = [cell[-1] for cell in cells]
        for name in ("latitude", "longitude"):
            columns[name] = [getattr(sound.field, name)] * len(species)
    names = (*HEADER, *(name for name in FIELD if name in columns))
    about = {"birdml.model": made.model, "birdml.version": made.version}
    types = [(name, pyarrow.type_for_alias(TYPES.get(name, "string"))) for name in names]
    table = pyarrow.table(columns, schema=pyarrow.schema(types, metadata=about))
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def join(out: Path, parts: Sequence[Part]) -> None:
    """Removes the files of recordings that have no tables any more: the rest is the dataset."""
    kept = {_digits(part.name): place(part.name, part.date, part.site) for part in parts}
    for path in (out / FOLDER).rglob("recorded=*/*.parquet"):
        own = kept.get(path.stem)
        elsewhere = own is not None and str(path.relative_to(out)) != own and (out / own).exists()
        if own is None or elsewhere:  # of another date or site than the recording has now
            path.unlink()


def _digits(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
