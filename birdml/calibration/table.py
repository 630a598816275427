"""`thresholds.csv`: thresholds of each species, for people to look at, edit and give back.

species, latin_name, threshold   of which the last may be edited; rows may be left out
expected                         precision or recall from there on, by the rule
positives                        validation recordings with the species
source                           own; common: what all species together say
model, calibration               for which it was made
"""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from birdml.calibration.reading import MIN_SCORE, calibration_id
from birdml.calibration.saved import Calibration
from birdml.calibration.thresholds import Threshold
from birdml.dataset.recording import Species
from birdml.errors import UserError
from birdml.files import csv_text
from birdml.forms import read_text

FILE = "thresholds.csv"
NEEDED = ("species", "threshold")
HEADER: tuple[str, ...] = ("species", "latin_name", "threshold", "expected", "positives", "source")
HEADER += ("model", "calibration")
SHOWN = 10  # faults that a message names


def table_text(
    name: str, calibration: Calibration, species: Sequence[Species], table: Sequence[Threshold]
) -> str:
    """Thresholds of C species in label order as CSV."""
    made_for = (name, calibration_id(calibration))
    return csv_text(
        HEADER,
        (
            (one.class_id, one.latin_name, f"{t.score:.5f}")
            + ("" if math.isnan(t.expected) else f"{t.expected:.3f}", t.positives, t.source)
            + made_for
            for one, t in zip(species, table, strict=True)
        ),
    )


def read_thresholds(
    path: Path, name: str, calibration: Calibration, species: Sequence[Species]
) -> tuple[list[float], str]:
    """Thresholds in label order [C] out of a table, and a remark: '' where nothing is to be said.

    Species without a row keep MIN_SCORE. Tables that a spreadsheet wrote (semicolons, decimal
    commas) are read. Raises UserError that lists unknown species, species given twice and what is
    no number in 0..1, and for a table of another model.
    """
    text = read_text(path, "name a table of thresholds, such as predict writes with precision=0.9")
    lines = text.removeprefix("\ufeff")
    semicolons = ";" in lines.partition("\n")[0]
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=";" if semicolons else ",")
    header = [column.strip().lower() for column in next(_rows(reader, path), [])]
    lacking = [column for column in NEEDED if column not in header]
    if lacking:
        raise UserError(f"'{path}' has no column {' and no column '.join(lacking)}")
    label_of = {one.class_id: label for label, one in enumerate(species)}
    ours = calibration_id(calibration)
    found: dict[int, float] = {}
    faults = []
    for row in _rows(reader, path):
        values = dict(zip(header, (value.strip() for value in row)))
        if not any(values.values()):
            continue
        label, said = label_of.get(values.get("species", "")), values.get("threshold", "")
        if values.get("calibration", ours) not in (ours, ""):
            made_for = values.get("model") or "another model"
            raise UserError(
                f"'{path}', line {reader.line_num}: made for {made_for}, calibration "
                f"{values['calibration'][:20]}; {name} has {ours}: make the table anew"
            )
        number = _share(said.replace(",", ".") if semicolons else said)
        if label is None:
            faults.append(f"line {reader.line_num}: no species '{values.get('species', '')[:40]}'")
        elif label in found:
            faults.append(f"line {reader.line_num}: {values['species'][:40]} stands twice")
        elif number is None:
            faults.append(f"line {reader.line_num}: '{said[:40]}' is no number in 0..1")
        else:
            found[label] = number
    if faults:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise UserError(f"'{path}': {'; '.join(faults[:SHOWN])}{more}")
    missing = len(species) - len(found)
    remark = f"{missing} of {len(species)} species have no row in '{path}': {MIN_SCORE:g} is taken"
    thresholds = [found.get(label, MIN_SCORE) for label in range(len(species))]
    return thresholds, remark if missing else ""


def _rows(reader: Any, path: Path) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise UserError(f"'{path}', line {reader.line_num}: {error}") from None


def _share(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= 1 else None
