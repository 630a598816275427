"""Marks out of one table with a heading: Raven, BirdNET, Kaleidoscope, Kaggle, one's own."""

import re
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from birdml.annotations.columns import MarkColumns, find_columns, lacking
from birdml.annotations.marks import LATEST, Marks, Names
from birdml.annotations.numbers import numbers
from birdml.dataset.names import means_nothing, plain
from birdml.dataset.problems import Problem
from birdml.dataset.sources.columns import folded
from birdml.dataset.sources.rows import NoTable, RowTable

LOOKED_AT = 50  # rows by which columns are told apart
ROW_SECONDS = 5  # `row_id` is the recording and the end of a window of that length
NO_SPECIES = frozenset("channel id index fold rank seconds samplerate unnamed0".split())
SEPARATORS = re.compile(r"[;|]")


def marks_of(
    cells: RowTable, recording: str, columns: str, problems: list[Problem]
) -> tuple[Marks, bool]:
    """The marks of a table, and whether they are scores of every species in every window.

    `recording` is what the table's own name says, for rows that name no file. Rows that can't be
    marks are left out and listed. Raises NoTable, in words, where the table tells no marks.
    """
    table = cells.table(LOOKED_AT)
    found = find_columns(table, columns)
    scores = _wide(cells, found) if cells.rows else []
    if not scores and cells.rows and (lacks := lacking(found, table.header)):
        raise NoTable(lacks)
    if not cells.rows and not (found.found.keys() & {"start", "file_offset", "row", "file"}):
        raise NoTable("it holds no rows, and its columns are none of marks")
    cells = _one_view(cells, found.found)
    values = {ours: cells.column(theirs) for ours, theirs in found.found.items()}
    files, times = _files(values, len(cells.rows), recording), _Times(cells, values, problems)
    if "file_offset" not in values and "start" in values:
        _refuse_sequence(cells.name, files, times.start)
    if scores:
        return _of_wide(cells, files, times, scores), not _binary(cells, scores)
    columns_of_names = [cells.column(column) for column in found.species]
    names, rows, species = _names(columns_of_names, blanks=_is_birds(found.species))
    silent = np.array([not one or all(map(means_nothing, one)) for one in names], bool)
    # a row that says nothing but the recording: nothing sings there
    nothing = silent[species] if len(species) else np.zeros(0, bool)
    unnamed = np.array([not one for one in names], bool)[species] if len(species) else nothing
    told = ~np.isnan(times.start[rows])
    for row in rows[unnamed & told]:
        times.say(row, "species", "", "left out: no species")
    kept = ~nothing
    faulty = times.faulty(rows[kept])
    rows, species = rows[kept][~faulty], species[kept][~faulty]
    low, high, score = (
        times.column(name)[rows] if name in values else np.full(len(rows), np.nan)
        for name in ("low", "high", "score")
    )
    file_of, file_names = _distinct(files)
    return (
        Marks(
            tuple(file_names),
            tuple(names),
            file_of[rows],
            species,
            times.start[rows],
            times.end[rows],
            low.astype(np.float32),
            high.astype(np.float32),
            score,
        ),
        False,
    )


class _Times:
    """Times of rows in seconds, and what is wrong with them."""

    def __init__(self, cells: RowTable, values: dict[str, list[str]], problems: list[Problem]):
        self.cells, self.values, self.problems = cells, values, problems
        count = len(cells.rows)
        unknown = np.full(count, np.nan)
        start, end, offset, duration = (
            self.column(name) if name in values else unknown
            for name in ("start", "end", "file_offset", "duration")
        )
        if "file_offset" in values:
            # in a sequence of files, only the difference of start and end is of the file
            self.start = offset
            self.end = offset + (duration if "duration" in values else end - start)
        elif "start" in values:
            self.start, self.end = start, end if "end" in values else start + duration
        elif "row" in values:
            told = [re.search(r"_(\d{1,9})$", value) for value in values["row"]]
            self.end = np.array([float(m[1]) if m else np.nan for m in told])
            self.start = self.end - ROW_SECONDS
        else:
            self.start = self.end = unknown

    def column(self, ours: str) -> np.ndarray:
        """A column of numbers; what is none is listed."""
        result, broken, commas = numbers(self.values[ours])
        if commas:
            self.problems.append(
                Problem(self.cells.name, ours, "", "decimal commas were read as points")
            )
        for row in broken:
            self.say(row, ours, self.values[ours][row], "no number")
        return result

    def faulty(self, rows: np.ndarray) -> np.ndarray:
        """Which of some rows can't be marks, bool; they are listed."""
        start, end = self.start[rows], self.end[rows]
        checks = (
            (~(np.isfinite(start) & np.isfinite(end)), "left out: no time of start or end"),
            (start < 0, "left out: it starts before the recording"),
            (end < start, "left out: it ends before it starts"),
            (end > LATEST, "left out: so late that its times are no seconds of a recording"),
        )
        result = np.zeros(len(rows), bool)
        for wrong, what in checks:
            for place in np.flatnonzero(wrong & ~result):
                self.say(rows[place], "time", f"{start[place]:g}-{end[place]:g}", what)
            result |= wrong
        return result

    def say(self, row: int, field: str, value: str, done: str) -> None:
        where = f"{self.cells.name}: line {self.cells.lines[row]}"
        self.problems.append(Problem(where, field, value, done))


def _files(values: dict[str, list[str]], count: int, recording: str) -> list[str]:
    """The recording of each row."""
    if "file" in values:
        parts = [values[p] for p in ("directory", "folder", "file") if p in values]
        if len(parts) == 1:
            return [name or recording for name in parts[0]]
        return [
            "/".join(part.rstrip("/\\") for part in row if part) if row[-1] else recording
            for row in zip(*parts)
        ]
    if "row" in values:
        return [re.sub(r"_\d+$", "", value) for value in values["row"]]
    return [recording] * count


def _refuse_sequence(table: str, files: Sequence[str], start: np.ndarray) -> None:
    """Raven counts the seconds of several files opened as one from the beginning of the first.

    Raises NoTable where times may be such: several files, one after the other, and each begins
    after the last mark of the one before.
    """
    of, names = _distinct(files)
    if len(names) < 2 or "selections" not in table.casefold() or len(start) < 2:
        return
    if (np.diff(of) >= 0).all() and (np.diff(start[~np.isnan(start)]) >= 0).all():
        raise NoTable(
            f"its marks are in {len(names)} files, and its times rise over all of them: they may "
            "count from the first file; add the measurement 'File Offset (s)' in Raven"
        )


def _one_view(cells: RowTable, found: dict[str, str]) -> RowTable:
    """Raven writes a selection once for each view: that of the spectrogram is kept."""
    if not {"view", "selection"} <= found.keys():
        return cells
    selection, view = cells.places[found["selection"]], cells.places[found["view"]]
    is_wave = [row[view].casefold().startswith("waveform") for row in cells.rows]
    if not any(is_wave):
        return cells
    seen = {row[selection] for row, wave in zip(cells.rows, is_wave) if not wave}
    kept = [
        place
        for place, (row, wave) in enumerate(zip(cells.rows, is_wave))
        if not (wave and row[selection] in seen)
    ]
    return RowTable(
        cells.name,
        cells.places,
        [cells.rows[place] for place in kept],
        [cells.lines[place] for place in kept],
        cells.twice,
    )


def _distinct(values: Iterable[Hashable]) -> tuple[np.ndarray, list]:
    """Index of each value among the distinct ones, int32 [M], and these."""
    places: dict[Hashable, int] = {}
    index = np.array([places.setdefault(value, len(places)) for value in values], np.int32)
    return index, list(places)


def _is_birds(columns: Sequence[str]) -> bool:
    return len(columns) == 1 and columns[0].casefold() == "birds"


def _names(
    columns: Sequence[Sequence[str]], blanks: bool
) -> tuple[list[Names], np.ndarray, np.ndarray]:
    """Distinct species, and rows and species of each mark; a cell may list several species."""
    index, cells = _distinct(zip(*columns))
    places: dict[Names, int] = {}
    of_cell: list[list[int]] = []
    for cell in cells:
        named = [plain(name) for name in cell if plain(name)]
        several = (
            named[0].split() if blanks and named else SEPARATORS.split(named[0]) if named else []
        )
        species: list[Names]
        if len(several) > 1:
            species = [(plain(name),) for name in several if plain(name)]
        else:
            species = [tuple(dict.fromkeys(named))]
        of_cell.append([places.setdefault(one, len(places)) for one in species])
    counts = np.array([len(species) for species in of_cell], np.int64)
    flat = np.array([one for species in of_cell for one in species], np.int32)
    firsts = np.cumsum(counts) - counts
    rows = np.repeat(np.arange(len(index)), counts[index])
    within = np.arange(len(rows)) - np.repeat(
        np.cumsum(counts[index]) - counts[index], counts[index]
    )
    return list(places), rows, flat[firsts[index[rows]] + within]


def _wide(cells: RowTable, found: MarkColumns) -> list[str]:
    """Columns that are species with scores below them, as OpenSoundscape and Kaggle write them."""
    told = found.found.keys()
    timed = {"start", "end"} <= told or "row" in told
    if found.species or not timed or told & {"score", "low", "high", "selection"}:
        return []
    scores = [column for column in found.others if folded(column) not in NO_SPECIES]
    if not all(_all_numbers(cells.column(column)[:50]) for column in scores):
        return []
    return scores


def _all_numbers(values: Sequence[str]) -> bool:
    result, broken, _ = numbers(values)
    return bool(len(result)) and not broken and not np.isnan(result).any()


def _matrix(cells: RowTable, scores: Sequence[str]) -> np.ndarray:
    columns = []
    for column in scores:
        values, broken, _ = numbers(cells.column(column))
        if broken or np.isnan(values).any():
            row = broken[0] if broken else int(np.flatnonzero(np.isnan(values))[0])
            raise NoTable(f"line {cells.lines[row]}: no score of '{column}'")
        columns.append(values)
    return np.stack(columns, axis=1)


def _binary(cells: RowTable, scores: Sequence[str]) -> bool:
    return bool(np.isin(_matrix(cells, scores), (0, 1)).all())


def _of_wide(cells: RowTable, files: list[str], times: _Times, scores: Sequence[str]) -> Marks:
    """A mark for every score; of zeros and ones, for every one."""
    matrix = _matrix(cells, scores)
    good = ~times.faulty(np.arange(len(cells.rows)))
    rows, species = np.nonzero((matrix == 1) if _binary(cells, scores) else np.isfinite(matrix))
    chosen = good[rows]
    rows, species = rows[chosen], species[chosen]
    file_of, names = _distinct(files)
    unknown = np.full(len(rows), np.nan, np.float32)
    return Marks(
        tuple(names),
        tuple((column,) for column in scores),
        file_of[rows],
        species.astype(np.int32),
        times.start[rows],
        times.end[rows],
        unknown,
        unknown,
        matrix[rows, species],
    )
