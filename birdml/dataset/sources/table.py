"""A table with one row per recording: Kaggle's `train_metadata.csv`, or one of one's own.

Columns are found by their usual names, or named by the user as `ours=theirs` words. The audio is
found by the file's path or name, or by an id that its name holds (`songs/xc25119.flac`).
"""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording, Source, is_audio, safe_name, walk
from birdml.dataset.sources.folders import names_no_species
from birdml.dataset.sources.sounds import Sounds
from birdml.errors import UserError

COLUMNS = {  # ours -> usual names, the first that is there counts
    "class_id": ("primary_label", "class_id", "ebird_code", "species_code", "label", "class"),
    "latin": ("scientific_name", "latin_name", "latin", "binomial", "species_name"),
    "genus": ("genus", "gen"),
    "species": ("species", "sp", "epithet"),
    "background": ("secondary_labels", "background", "background_species", "also"),
    "date": ("date", "recording_date", "recorded_on"),
    "time": ("time", "recording_time"),
    "latitude": ("latitude", "lat", "decimallatitude", "latitute"),
    "longitude": ("longitude", "lon", "lng", "long", "decimallongitude", "longitute"),
    "elevation": ("elevation", "altitude", "alt", "elev"),
    "recordist": ("author", "recordist", "rec", "who_provided_recording", "recorder", "observer"),
    "place": ("locality", "location", "loc", "place", "site"),
    "file": ("filename", "file_name", "file", "path", "audio", "itemid"),
    "id": ("file_id", "xc_id", "recording_id", "catalog_number", "id"),
}
FIELDS = ("date", "time", "latitude", "longitude", "elevation")
SUFFIXES = (".csv", ".tsv")
Row = dict[str, str]


def recognise(source: Path) -> str | None:
    """Why a file or folder is taken for this layout, or None."""
    for path in _tables(source):
        header, _ = _content(path, [])
        found = find_columns(header, "")
        if _tells_species(found):
            return f"'{path.name}' is a table with the columns {', '.join(found.values())}"
    return None


def read(source: Path, audio: Path | None = None, columns: str = "") -> Source:
    """All rows of the first table that names species.

    Raises UserError where no table does, or where a named column is not there.
    """
    problems: list[Problem] = []
    base = source if source.is_dir() else source.parent
    for table in _tables(source):
        header, rows = _content(table, problems)
        found = find_columns(header, columns)
        if _tells_species(found):
            break
    else:
        raise UserError(
            f"no table in '{source}' has a column for the species; name it, for example with "
            "-P columns='class_id=code'"
        )
    sounds = Sounds([p for p in walk(audio or base, problems) if is_audio(p)], audio or base)
    recordings = []
    for number, row in enumerate(rows, start=2):
        values = {ours: row.get(theirs, "").strip() for ours, theirs in found.items()}
        origin = f"{table.name}: row {number}"
        name = values.get("file") or values.get("id") or ""
        recording = _recording(values, origin, sounds.find(values))
        if not name:
            problems.append(Problem(origin, "file", "", "left out: no file name and no id"))
        elif recording is None:
            label = values.get("class_id") or values.get("species") or ""
            problems.append(Problem(origin, "species", label, "left out: no species"))
        else:
            recordings.append(recording)
    if not sounds.paths:
        for recording in recordings:
            recording.file = recording.file.removesuffix(".wav")
    for path in sounds.unused():
        problems.append(Problem(path, "", "", f"left out: no row of {table.name} names it"))
    return Source("kaggle", recordings, problems)


def find_columns(header: Sequence[str], named: str) -> dict[str, str]:
    """Our name of a column -> the table's, by usual names and by `ours=theirs, ...`.

    Raises UserError where a named column does not exist.
    """
    lower = {name.strip().lower(): name for name in reversed(header)}
    found: dict[str, str] = {}
    for ours, usual in COLUMNS.items():
        theirs = next((lower[name] for name in usual if name in lower), None)
        if theirs is not None and theirs not in found.values():
            found[ours] = theirs
    for pair in filter(None, re.split(r"\s*[,;]\s*", named.strip())):
        ours, equals, theirs = (part.strip() for part in pair.partition("="))
        if not equals or ours not in COLUMNS:
            raise UserError(f"columns: '{pair}' is none of {', '.join(COLUMNS)} followed by =NAME")
        if theirs not in header:
            raise UserError(f"columns: the table has no '{theirs}'; it has {', '.join(header)}")
        found[ours] = theirs
    return found


def _tells_species(found: dict[str, str]) -> bool:
    identified = "file" in found or "id" in found
    return identified and bool({"class_id", "latin", "species"} & found.keys())


def _tables(source: Path) -> list[Path]:
    """Tables of a source; those beside the audio come after those at the top."""
    if source.is_file():
        return [source]
    paths = [p for p in walk(source, []) if p.suffix.lower() in SUFFIXES]
    return sorted(paths, key=lambda p: (len(p.parts), p.name != "train_metadata.csv", p.name))


def _content(table: Path, problems: list[Problem]) -> tuple[list[str], list[Row]]:
    """Header and rows; nothing where the file can't be read as a table."""
    try:
        content = table.read_bytes()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
            problems.append(Problem(table.name, "", "broken UTF-8", "read as Latin-1"))
        first = text.split("\n", 1)[0]
        delimiter = max(",;\t|", key=first.count)
        reader = csv.DictReader(
            text.replace("\0", "").splitlines(keepends=True), delimiter=delimiter, restval=""
        )
        rows = []
        for row in reader:
            if None in row:
                surplus = str(row.pop(None))[:80]
                place = f"{table.name}: line {reader.line_num}"
                problems.append(Problem(place, "", surplus, "more values than columns: cut"))
            rows.append(row)
        return list(reader.fieldnames or ()), rows
    except (OSError, csv.Error) as error:
        problems.append(Problem(table.name, "", "", f"left out: no table ({error})"))
        return [], []


def _recording(values: Row, origin: str, audio: Path | None) -> RawRecording | None:
    latin, species = values.get("latin", ""), values.get("species", "")
    class_id = values.get("class_id", "")
    if not latin and values.get("genus") and species:
        latin = f"{values['genus']} {species}"
    elif not latin and re.fullmatch(r"[A-Z][a-z-]+ [a-z-]+", species):
        latin = species
    elif not class_id and not latin:
        class_id = species
    if not (class_id or latin) or names_no_species(class_id or latin):
        return None
    class_id = safe_name(class_id or latin)
    number = re.search(r"\d+", values.get("id", "") or values.get("file", ""))
    stem = safe_name(Path(values.get("file") or values.get("id", "")).stem)
    return RawRecording(
        file=f"{class_id}/{stem}.wav",
        origin=origin,
        audio=audio,
        class_id=class_id,
        latin=latin,
        background=_names(values.get("background", "")),
        fields={field: values.get(field, "") for field in FIELDS},
        media_id=number[0] if number else "",
        recordist=values.get("recordist", ""),
        place=values.get("place", ""),
    )


def _names(text: str) -> tuple[str, ...]:
    """`['a', 'b']`, `a;b` or `a,b` -> (a, b)."""
    return tuple(
        name for part in re.split(r"[,;|]", text.strip("[]")) if (name := part.strip(" '\""))
    )
