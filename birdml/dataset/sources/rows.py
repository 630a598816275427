"""The rows of a table as people have them: any encoding, delimiter and kind of line end.

Every row has as many values as there are columns, or is listed and left out; nothing is cut, moved
or filled up by a guess.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from birdml.dataset.problems import Problem

DELIMITERS = ",;\t|"
LOOKED_AT = 50  # rows by which the delimiter is chosen
LONGEST = 1 << 24  # characters of one value

csv.field_size_limit(LONGEST)


@dataclass(frozen=True)
class Table:
    """Columns by name and rows of as many values, with the line that each begins in.

    A name that several columns share stands once where they agree; where they don't, it is in
    `twice`, and must not be read.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    lines: tuple[int, ...]
    twice: frozenset[str] = frozenset()

    def values(self, column: str) -> list[str]:
        """What stands in a column where something does."""
        return [row[column] for row in self.rows if row[column]]


class NoTable(ValueError):
    """Why a file can't be read as a table."""


@dataclass(frozen=True)
class RowTable:
    """A table as rows of values, for tables with very many rows: a third of the time of `Table`."""

    name: str
    places: dict[str, int]  # column -> its place in a row
    rows: list[list[str]]
    lines: list[int]
    twice: frozenset[str]

    def column(self, name: str) -> list[str]:
        """Every value of a column, in order."""
        place = self.places[name]
        return [row[place] for row in self.rows]

    def table(self, most: int | None = None) -> Table:
        """The same with rows by column; at most about `most` rows, from everywhere in it."""
        step = max(1, len(self.rows) // most) if most else 1
        return Table(
            self.name,
            tuple(self.places),
            tuple({c: row[p] for c, p in self.places.items()} for row in self.rows[::step]),
            tuple(self.lines[::step]),
            self.twice,
        )


def read_table(path: Path, problems: list[Problem]) -> Table:
    """A file as a table. Raises NoTable, in words, where it is none; OSError where unreadable."""
    return cells_of(path.name, read_text(path, problems), problems).table()


def read_text(path: Path, problems: list[Problem]) -> str:
    """The text of a file in whatever encoding, in NFC. Raises OSError where it is unreadable."""
    text, remark = _decoded(path.read_bytes())
    if remark:
        problems.append(Problem(path.name, "", "", remark))
    if "\0" in text:
        problems.append(Problem(path.name, "", "", "NUL characters were dropped"))
        text = text.replace("\0", "")
    return unicodedata.normalize("NFC", text)


def cells_of(name: str, text: str, problems: list[Problem]) -> RowTable:
    """A text as a table with a heading. Raises NoTable, in words, where it is none."""
    skipped, delimiter = 0, ""
    first = text.split("\n", 1)[0].strip().strip('"').lower()
    if first.startswith("sep=") and len(first) == 5:  # a line that Excel writes for itself
        delimiter, skipped = first[4], 1
        text = text.split("\n", 1)[1] if "\n" in text else ""
    found = delimiter or _delimiter(text)
    parsed = _parsed(text, found, name, problems)
    if _is_padded(text, found):
        parsed = [(line, [value.strip() for value in row]) for line, row in parsed]
    parsed = [(line + skipped, row) for line, row in parsed if any(row)]
    if not parsed:
        raise NoTable("it is empty")
    (_, header), *rows = parsed
    counts = {len(row) for _, row in rows}
    if counts == {len(header) + 1}:
        if all(not row[-1].strip() for _, row in rows):  # each line ends with a delimiter
            rows = [(line, row[:-1]) for line, row in rows]
        else:  # as R's write.table does it: names of rows without a heading
            header = ["", *header]
    while header and not header[-1] and all(len(r) < len(header) or not r[-1] for _, r in rows):
        header, rows = header[:-1], [(line, row[: len(header) - 1]) for line, row in rows]
    whole = []
    for line, row in rows:
        if len(row) == len(header):
            whole.append((line, row))
        else:
            what = f"left out: {len(row)} values for {len(header)} columns"
            problems.append(Problem(f"{name}: line {line}", "", " ".join(row)[:80], what))
    columns, twice = _columns(header, [row for _, row in whole])
    return RowTable(name, columns, [row for _, row in whole], [line for line, _ in whole], twice)


def _decoded(content: bytes) -> tuple[str, str]:
    """Text, and a remark where its encoding had to be guessed."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            try:
                return content.decode(encoding), ""
            except UnicodeDecodeError:
                return content.decode(encoding, errors="replace"), f"broken {encoding}"
    some = content[:4000]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        high = some[offset::2]
        if len(some) > 8 and high.count(0) > 0.8 * len(high) and len(content) % 2 == 0:
            try:
                return content.decode(encoding), ""
            except UnicodeDecodeError:
                break
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), "no UTF-8: read as Latin-1"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "no UTF-8: read as Latin-1"


def _is_padded(text: str, delimiter: str) -> bool:
    """Whether a value may begin or end with white space: looking once is quicker than stripping."""
    if '"' in text:
        return True
    edge, space = re.escape(delimiter), rf"[^\S\r\n{re.escape(delimiter)}]"
    return re.search(rf"(?:^|[\r{edge}]){space}|{space}(?:$|[\r{edge}])", text, re.M) is not None


def _delimiter(text: str) -> str:
    """The delimiter that gives most rows the same number of values, more than one."""

    def fits(delimiter: str) -> tuple[float, int]:
        counts = []
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            for row in reader:
                if row:
                    counts.append(len(row))
                if len(counts) == LOOKED_AT:
                    break
        except csv.Error:
            pass
        if not counts or counts[0] < 2:
            return 0.0, 0
        alike = sum(count in (counts[0], counts[0] + 1) for count in counts) / len(counts)
        return alike, counts[0]

    return max(DELIMITERS, key=fits)


def _parsed(
    text: str, delimiter: str, name: str, problems: list[Problem]
) -> list[tuple[int, list[str]]]:
    """Rows with the line that each begins in. A quote that is never closed would swallow rows:
    then quotes are read as text, if that gives every row the same number of values."""
    if '"' not in text:  # the same rows in a third of the time
        lines = re.split(r"\r\n|\r|\n", text) if "\r" in text else text.split("\n")
        return [(number, line.split(delimiter)) for number, line in enumerate(lines, start=1)]
    try:
        rows = _read(text, delimiter, csv.QUOTE_MINIMAL)
        swallowed = next((line for line, row in rows if _swallows(row, delimiter, rows)), 0)
    except csv.Error as error:
        rows, swallowed = [], _open_quote(text, delimiter)
        if not swallowed:
            raise NoTable(f"{error}") from None
    if not swallowed:
        return rows
    plain = _read(text, delimiter, csv.QUOTE_NONE)
    if len({len(row) for _, row in plain if any(row)}) == 1:
        what = "a quote that is not closed: quotes were read as text"
        problems.append(Problem(f"{name}: line {swallowed}", "", "", what))
        return plain
    raise NoTable(f"a quote that is opened in line {swallowed} is not closed")


def _read(text: str, delimiter: str, quoting: Literal[0, 3]) -> list[tuple[int, list[str]]]:
    # newline="": only real line ends end a row, not form feeds or U+2028 within a value
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True
    )
    rows, begin = [], 1
    for row in reader:
        rows.append((begin, row))
        begin = reader.line_num + 1
    return rows


def _open_quote(text: str, delimiter: str) -> int:
    """The line of the row that a quote makes run to the end of the text; 0 if none does."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begin, last = 1, 0
    try:
        for _ in reader:
            last, begin = begin, reader.line_num + 1
    except csv.Error:
        return begin
    return last


def _swallows(row: list[str], delimiter: str, rows: Sequence[tuple[int, list[str]]]) -> bool:
    """Whether a value holds whole lines of the table."""
    columns = len(rows[0][1])
    return columns > 1 and any(
        "\n" in value
        and any(line.count(delimiter) >= columns - 1 for line in value.splitlines()[1:])
        for value in row
    )


def _columns(header: list[str], rows: list[list[str]]) -> tuple[dict[str, int], frozenset[str]]:
    """Name -> place of each column, and the names that stand for different columns."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        if name:
            places.setdefault(name, []).append(place)
    columns, twice = {}, set()
    for name, several in places.items():
        filled = [p for p in several if any(row[p] for row in rows)] or several[:1]
        columns[name] = filled[0]
        if any(row[p] != row[filled[0]] for p in filled[1:] for row in rows):
            twice.add(name)
    return columns, frozenset(twice)


def names_in(text: str) -> tuple[str, ...]:
    """A list of names as Python, JSON, numpy, R or people write it -> the names.

    >>> names_in("['a', 'b c']"), names_in('c("a", "b c")'), names_in("['a' 'b c']")
    (('a', 'b c'), ('a', 'b c'), ('a', 'b c'))
    >>> names_in("a; b|c"), names_in("[]"), names_in("character(0)"), names_in("NA")
    (('a', 'b', 'c'), (), (), ())
    """
    text = text.strip()
    bare = text.strip("\"' ")
    if bare.startswith("c(") and bare.endswith(")"):
        text = bare[2:-1]
    elif bare.startswith(("[", "(", "{")) and bare.endswith(("]", ")", "}")):
        text = bare[1:-1]
    elif bare == "character(0)":
        return ()
    quoted = _quoted(text)
    if quoted is None:
        quoted = re.split(r"[,;|\t\n](?![^()]*\))", text)  # not within `(Linnaeus, 1758)`
    names = (" ".join(name.strip(" '\"").split()) for name in quoted)
    return tuple(name for name in names if name and name.casefold() not in ("na", "nan", "none"))


def _quoted(text: str) -> list[str] | None:
    """The values of a list whose values all stand in quotes; None where they don't."""
    values, rest = [], text.strip()
    while rest:
        quote = rest[0]
        if quote not in "'\"":
            return None
        end = 1
        while (end := rest.find(quote, end)) >= 0:  # an apostrophe within a name is no end
            if end + 1 == len(rest) or rest[end + 1] in ",; \t\n":
                break
            end += 1
        if end < 0:
            return None
        values.append(rest[1:end].replace("\\'", "'"))
        rest = rest[end + 1 :].lstrip(",; \t\n")
    return values
