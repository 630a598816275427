"""A table with one row per recording: Kaggle's `train_metadata.csv`, or one of one's own.

Columns are found by their usual names, or named by the user as `ours=theirs` words. The audio is
found by the file's path or name, or by an id that its name holds (`songs/xc25119.flac`). Rows that
name the same file or id are one recording.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from birdml.dataset.names import latin_name, means_nothing, names_no_species, one_spelling, plain
from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording, Source, is_audio, safe_name, walk
from birdml.dataset.reading import reading_of
from birdml.dataset.recording import FIELDS
from birdml.dataset.repair import clock_in_date, says_nothing
from birdml.dataset.sources.columns import Columns, find_columns, folded
from birdml.dataset.sources.rows import NoTable, Table, names_in, read_table
from birdml.dataset.sources.sounds import Sounds, xeno_canto_number
from birdml.errors import UserError

SUFFIXES = (".csv", ".tsv")
NOISE_FOLDER = "noise"
Row = dict[str, str]


def recognise(source: Path, columns: str = "") -> tuple[str | None, list[str]]:
    """Why a file or folder is taken for this layout, or None; and what its tables lack."""
    lacking = []
    for path in _tables(source):
        try:
            table = read_table(path, [])
            found = find_columns(table, columns)
        except (NoTable, OSError, UserError) as error:
            lacking.append(f"{path.name}: {error}")
            continue
        if found.tells_species:
            names = ", ".join(found.found.values())
            return f"'{path.name}' is a table with the columns {names}", lacking
        lacking.append(
            f"{path.name} lacks {found.missing()} (it has {', '.join(table.header)[:300]})"
        )
    return None, lacking


def read(source: Path, audio: Path | None = None, columns: str = "") -> Source:
    """All rows of the first table that names species.

    Raises UserError where no table does, or where a named column is not there.
    """
    problems: list[Problem] = []
    base = source if source.is_dir() else source.parent
    table, found, others = _first_table(source, columns, problems)
    rows = _Rows(table, found, problems)
    sounds = Sounds([p for p in walk(audio or base, problems) if is_audio(p)], audio or base)
    places = sounds.of_rows(rows.names, rows.ids, rows.class_ids)
    recordings = []
    for place, recording in enumerate(rows.recordings):
        sound = places[place]
        recording.audio = sound.path
        recording.silent_for = sound.reason
        recordings.append(recording)
    for unused in sounds.unused():
        problems.append(Problem(unused, "", "", f"left out: no row of {table.name} names it"))
    for path in others:
        what = f"not read: {table.name} is; name this one with -P source=..."
        problems.append(Problem(path.name, "", "", what))
    one_spelling(recordings, problems)
    _settle_names(recordings, problems, bool(sounds.paths))
    notes = found.notes(table.name) + [f"{path.name}: a table too, not read" for path in others]
    values = {f: [r.fields.get(f, "") for r in recordings] for f in FIELDS}
    feet = any(word in folded(found.found.get("elevation", "")) for word in ("feet", "ft"))
    return Source("kaggle", recordings, problems, notes=notes, reading=reading_of(values, feet))


def _first_table(
    source: Path, columns: str, problems: list[Problem]
) -> tuple[Table, Columns, list[Path]]:
    """The table to read, what its columns are, and other tables that could be read too."""
    chosen: tuple[Table, Columns] | None = None
    lacking, others = [], []
    for path in _tables(source):
        own: list[Problem] = []
        try:
            table = read_table(path, own)
            found = find_columns(table, columns)
        except (NoTable, OSError, UserError) as error:
            lacking.append(f"{path.name}: {error}")
            if not isinstance(error, UserError):
                problems.append(Problem(path.name, "", "", f"left out: no table ({error})"))
            continue
        if not found.tells_species:
            lacking.append(f"{path.name} lacks {found.missing()}")
        elif chosen is None:
            chosen = table, found
            problems += own
        else:
            others.append(path)
    if chosen is None:
        why = "; ".join(lacking) or "there is no table"
        raise UserError(
            f"'{source}' names no recordings of species: {why}; name columns, for example with "
            "-P columns='class_id=code, file=name'"
        )
    return *chosen, others


def _settle_names(
    recordings: Sequence[RawRecording], problems: list[Problem], has_audio: bool
) -> None:
    """Class ids that can be names of folders, in the background too; files below them."""
    safe: dict[str, str] = {}
    taken: dict[str, str] = {}
    for recording in recordings:
        name = recording.class_id or recording.latin
        if name and name not in safe:
            safe[name] = safe_name(name)
            other = taken.setdefault(safe[name], name)
            if other != name:
                what = f"read as {safe[name]}, as {other} is"
                problems.append(Problem("species", "species", name, what))
    for recording in recordings:
        name = recording.class_id or recording.latin
        recording.class_id = safe.get(name, "")
        recording.background = tuple(safe.get(b, b) for b in recording.background)
        folder = recording.class_id or NOISE_FOLDER
        recording.file = f"{folder}/{recording.file}{'.wav' if has_audio else ''}"


def _tables(source: Path) -> list[Path]:
    """Tables of a source; those beside the audio come after those at the top."""
    if source.is_file():
        return [source]
    paths = [p for p in walk(source, []) if p.suffix.lower() in SUFFIXES]
    return sorted(paths, key=lambda p: (len(p.parts), p.name != "train_metadata.csv", p.name))


class _Rows:
    """Recordings out of the rows of a table, each once, and how their rows call them."""

    def __init__(self, table: Table, columns: Columns, problems: list[Problem]):
        self.table, self.found, self.problems = table, columns.found, problems
        self.recordings: list[RawRecording] = []
        self.names: list[str] = []  # of files, as the table has them
        self.ids: list[str] = []
        self.class_ids: list[str] = []
        of_one: dict[str, list[int]] = {}
        rows = [{ours: row[theirs] for ours, theirs in self.found.items()} for row in table.rows]
        self.with_clock = any(
            (clock := clock_in_date(row.get("date", ""))) and clock.strip("0:. ") for row in rows
        )
        self.ids_tell = _tell_apart(rows)
        for place, row in enumerate(rows):
            identity = _identity(row, self.ids_tell)
            if not identity:
                self._problem(place, "file", "", "left out: no file name and no id")
            else:
                of_one.setdefault(identity, []).append(place)
        for places in of_one.values():
            self._add(rows, places)

    def _add(self, rows: list[Row], places: list[int]) -> None:
        """One recording of all rows that name it."""
        first = rows[places[0]]
        labels: Counter[tuple[str, str]] = Counter()
        background: dict[str, None] = {}
        noise = False
        for place in places:
            class_id, latin = _species(rows[place])
            name = class_id or latin
            if means_nothing(name):
                noise = True
            elif not name or names_no_species(name) or names_no_species(latin or name):
                said = name or "(empty)"
                self._problem(place, "species", said, "left out: no species")
            else:
                labels[class_id, latin] += 1
            background |= dict.fromkeys(names_in(rows[place].get("background", "")))
        for place in places[1:]:
            same = rows[place] == first
            what = (
                f"the same again as line {self.table.lines[places[0]]}"
                if same
                else f"joined with line {self.table.lines[places[0]]}: the same recording"
            )
            self._problem(place, "file", _shown(rows[place]), what)
        if not labels and not noise:
            return
        (class_id, latin), others = ("", ""), []
        if labels:
            (class_id, latin), *others = [name for name, _ in labels.most_common()]
        fields = self._fields(rows, places)
        name, own_id = first.get("file", ""), first.get("id", "") if self.ids_tell else ""
        self.recordings.append(
            RawRecording(
                file=safe_name(_stem(name, own_id)),
                origin=f"{self.table.name}: row {self.table.lines[places[0]]}",
                class_id=class_id,
                latin=latin,
                background=(*background, *(a or b for a, b in others)),
                fields=fields,
                media_id=_media_id(name, own_id),
                recordist=first.get("recordist", ""),
                place=first.get("place", ""),
                licence=first.get("licence", ""),
                noise=not labels,
            )
        )
        self.names.append(name)
        self.ids.append(first.get("id", ""))
        self.class_ids.append(class_id)

    def _fields(self, rows: list[Row], places: list[int]) -> dict[str, str]:
        """Date, time and place of a recording; where its rows disagree, none, and that is said."""
        fields = {}
        for field in FIELDS:
            values = dict.fromkeys(v for p in places if (v := self._field(rows[p], field)))
            if len(values) > 1:
                shown = ", ".join(values)[:200]
                self._problem(places[0], field, shown, "left empty: its rows disagree")
            fields[field] = next(iter(values)) if len(values) == 1 else ""
        return fields

    def _field(self, row: Row, field: str) -> str:
        value = row.get(field, "")
        if field == "time" and not value and self.with_clock:
            return clock_in_date(row.get("date", ""))
        if field == "elevation" and row.get("elevation_max"):
            return row["elevation_max"]
        if field == "date" and not value and row.get("year"):
            parts = (row.get(part, "") for part in ("year", "month", "day"))
            return "-".join(part for part in parts if part)
        return value

    def _problem(self, place: int, field: str, value: str, done: str) -> None:
        origin = f"{self.table.name}: row {self.table.lines[place]}"
        self.problems.append(Problem(origin, field, value, done))


def _tell_apart(rows: Sequence[Row]) -> bool:
    """Whether a column of ids is one of recordings: not where different files share an id, nor
    where it repeats the class ids."""
    told = [row["id"] for row in rows if row.get("id")]
    if len(set(told)) < len(told) and all(
        row["id"] == row.get("class_id") for row in rows if row.get("id")
    ):
        return False
    files: dict[str, set[str]] = {}
    for row in rows:
        if row.get("id") and row.get("file"):
            files.setdefault(row["id"], set()).add(row["file"])
    return all(len(names) == 1 for names in files.values())


def _identity(row: Row, ids_tell: bool) -> str:
    """What names a recording: its id, or its whole file name."""
    if row.get("id") and ids_tell:
        return f"id {row['id']}"
    name = row.get("file", "")
    return f"file {name.replace(chr(92), '/').removeprefix('./')}" if name else ""


def _shown(row: Row) -> str:
    return row.get("file") or row.get("id", "")


def _stem(name: str, own_id: str) -> str:
    """What a recording is called: by its file, or by its id where the file has no name."""
    stem = re.sub(r"\.[A-Za-z0-9]{2,5}$", "", PurePosixPath(name.replace("\\", "/")).name)
    if own_id and ("://" in name or name.startswith("//") or not stem):
        return own_id
    return stem or own_id


def _media_id(name: str, own_id: str) -> str:
    """The number of a recording at xeno-canto, its id, or a file's name that is a number whole."""
    stem = _stem(name, own_id)
    number = xeno_canto_number(own_id) or (xeno_canto_number(stem) if not own_id else "")
    return number or own_id or (stem if stem.isdecimal() else "")


def _species(row: Row) -> tuple[str, str]:
    """Class id and Latin name of a row, either of them perhaps empty."""
    class_id, latin = plain(row.get("class_id", "")), plain(row.get("latin", ""))
    if class_id and says_nothing(latin):
        latin = ""
    if not latin and row.get("genus") and row.get("species"):
        latin = plain(f"{row['genus']} {row['species']}")
    if not class_id and not latin:
        class_id = plain(row.get("common", ""))
    if latin and latin_name(latin) is None and not class_id and not names_no_species(latin):
        class_id = latin  # a name, though no Latin one
        latin = ""
    return class_id, latin
