"""Tables of people that tell where and when loose recordings were made.

A table of sites has a row for each recorder, `site, latitude, longitude` and perhaps `elevation,
name`; what stands under `site` is found in the files' paths. A table of files has a row for each
file, `file` and any of `date, time, latitude, longitude, elevation, site`.
"""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from birdml.dataset.repair import REPAIRS
from birdml.errors import UserError
from birdml.forms import read_table

PLACE = ("latitude", "longitude", "elevation")
VALUES = ("date", "time", *PLACE)
NAMED = 5  # faulty lines named in an error
STEM_PARTS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Site:
    """A row of a table of sites: what is looked for in paths, its place, its name for people."""

    key: str
    latitude: float
    longitude: float
    elevation: float | None
    name: str


class Sites:
    """A table of sites; `unmatched`: those that no file was of so far."""

    def __init__(self, rows: Sequence[Site]):
        self._plain = {row.key.casefold(): row for row in rows if not _is_pattern(row.key)}
        self._patterns = [
            (re.compile(fnmatch.translate(row.key), re.IGNORECASE), row)
            for row in rows
            if _is_pattern(row.key)
        ]
        self._left = {row.name for row in rows}

    @property
    def unmatched(self) -> list[str]:
        return sorted(self._left)

    def of(self, file: str) -> tuple[Site | None, str]:
        """The site of a file by its path below the folder of recordings, and a remark where it is
        of none, or of several.

        A site is a folder of the path (`A1`, `north/A1`), the file itself, the beginning of its
        name up to a sign (`SMM01234` of `SMM01234_20230512_053000.wav`), or a pattern
        (`*/A1-*.wav`) of the path or of the name.
        """
        path = PurePosixPath(file.casefold())
        found: dict[str, Site] = {}
        keys = {str(path), path.stem, path.name, *path.parts[:-1]}
        folders = path.parts[:-1]
        keys |= {
            "/".join(folders[i:j])
            for i in range(len(folders))
            for j in range(i + 2, len(folders) + 1)
        }
        keys |= {path.stem[: part.end()] for part in STEM_PARTS.finditer(path.stem)}
        for key in keys & self._plain.keys():
            found[self._plain[key].key] = self._plain[key]
        for pattern, row in self._patterns:
            if pattern.fullmatch(file) or pattern.fullmatch(PurePosixPath(file).name):
                found[row.key] = row
        for row in found.values():
            self._left.discard(row.name)
        if len({row.name for row in found.values()}) > 1:
            names = ", ".join(sorted(row.name for row in found.values()))
            return None, f"several sites match ({names}): none was taken"
        if not found:
            return None, "no site matches"
        return next(iter(found.values())), ""


def read_sites(path: Path) -> Sites:
    """Raises UserError that lists every row that has no place, or says what another says."""
    rows: list[Site] = []
    faults: list[str] = []
    first: dict[str, tuple[int, Site]] = {}
    advice = "name a CSV file with a row for each site"
    table = read_table(path, ("site", "latitude", "longitude"), advice, ("elevation", "name"))
    for line, row in table:
        key = row["site"].strip().strip("/")
        values, wrong = _values(row, PLACE)
        if not key:
            faults.append(f"line {line}: no site")
        elif wrong:
            faults.append(f"line {line}: {wrong}")
        elif values["latitude"] is None or values["longitude"] is None:
            faults.append(f"line {line}: '{key}' has no latitude and longitude")
        else:
            site = Site(
                key,
                float(values["latitude"]),
                float(values["longitude"]),
                None if values["elevation"] is None else float(values["elevation"]),
                row["name"].strip() or key,
            )
            before = first.setdefault(key.casefold(), (line, site))
            if before[1] != site:
                faults.append(f"line {line}: '{key}' stands in line {before[0]} with other values")
            elif before[0] == line:
                rows.append(site)
    _refuse(path, faults)
    if not rows:
        raise UserError(f"'{path}' names no site")
    return Sites(rows)


class PerFile:
    """A table of files; `unmatched`: rows that no file was of so far."""

    def __init__(self, rows: Mapping[str, Mapping[str, str | float | None]]):
        self._rows = rows
        self._left = set(rows)

    @property
    def unmatched(self) -> list[str]:
        return sorted(self._left)

    def of(self, file: str) -> Mapping[str, str | float | None]:
        """The values of a file by its path, else by its name; empty where it has no row."""
        for key in (file, PurePosixPath(file).name):
            if key in self._rows:
                self._left.discard(key)
                return self._rows[key]
        return {}


def read_per_file(path: Path) -> PerFile:
    """Raises UserError that lists every row that can't be read, or is there twice."""
    advice = "name a CSV file with a column file and any of " + ", ".join((*VALUES, "site"))
    rows: dict[str, Mapping[str, str | float | None]] = {}
    faults: list[str] = []
    for line, row in read_table(path, ("file",), advice, (*VALUES, "site")):
        file = row["file"].strip().removeprefix("./")
        values, wrong = _values(row, VALUES)
        values["site"] = row["site"].strip() or None
        if file in rows and rows[file] != values:
            faults.append(f"line {line}: '{file}' is there twice")
        elif wrong:
            faults.append(f"line {line}: {wrong}")
        elif (values["latitude"] is None) != (values["longitude"] is None):
            faults.append(f"line {line}: latitude without longitude, or the other way round")
        rows[file] = values
    _refuse(path, faults)
    return PerFile(rows)


def _values(
    row: Mapping[str, str], names: Sequence[str]
) -> tuple[dict[str, str | float | None], str]:
    """The values of a row, None where empty; and what is wrong with the first that can't be."""
    values: dict[str, str | float | None] = {}
    wrong = ""
    for name in names:
        text = row[name].strip()
        values[name] = REPAIRS[name](text) if text else None
        if text and values[name] is None:
            wrong = wrong or f"{name} '{text}' can't be read"
    return values, wrong


def _refuse(path: Path, faults: Sequence[str]) -> None:
    if faults:
        more = f" and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
        raise UserError(f"'{path}', {'; '.join(faults[:NAMED])}{more}")


def _is_pattern(key: str) -> bool:
    return any(sign in key for sign in "*?[")
