"""Common names of species out of a table that a user has, in the language of one of its columns.

Lists of the IOC and of eBird, tables of Kaggle and lists of one's own hold them beside Latin names.
"""

import difflib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from birdml.dataset.names import latin_name, names_no_species, plain
from birdml.dataset.recording import Species
from birdml.dataset.sources.columns import CHECKS, KNOWN, folded
from birdml.dataset.sources.rows import NoTable, Table, read_table
from birdml.errors import UserError


def with_common_names(
    species: Sequence[Species], path: str | Path, language: str = ""
) -> tuple[Species, ...]:
    """The same species [C], each with its common name where the table has one.

    A row is of a species by its Latin name, or by its class id; rows of subspecies are left out.

    Args:
        species: of a label set.
        path: of the table, with a heading.
        language: the heading of the column with the names; '': the usual ones, such as
            `common_name` or `english`.

    Raises UserError where the table can't be read, lacks a column, gives a species two names, or
    names no species at all.
    """
    try:
        table = read_table(Path(path), [])
    except (NoTable, OSError) as error:
        raise UserError(f"can't read the common names in '{path}': {error}") from None
    latin = _column(table, "latin") or next(
        (column for column in table.header if CHECKS["latin"](table.values(column))), None
    )
    class_id = _column(table, "class_id", latin)
    if latin is None and class_id is None:
        raise UserError(f"'{path}' has no column of Latin names or class ids: {_has(table)}")
    common = _named(table, language, path) if language else _column(table, "common", latin)
    if common is None:
        raise UserError(
            f"'{path}' has no column of common names: name it with language; {_has(table)}"
        )
    names: dict[str, str] = {}
    wanted = {key for one in species for key in _keys(one)}
    for line, row in zip(table.lines, table.rows, strict=True):
        name = plain(row[common])
        if names_no_species(name):
            continue
        for key in _keys(Species(row[class_id] if class_id else "", row[latin] if latin else "")):
            if key in wanted and names.setdefault(key, name) != name:
                raise UserError(
                    f"'{path}', line {line}: '{key[1]}' is called '{names[key]}' and '{name}': "
                    "leave one"
                )
    if not names:
        raise UserError(
            f"'{path}' has a common name for none of the model's {len(species)} species"
        )
    return tuple(
        replace(one, common=next((names[key] for key in _keys(one) if key in names), ""))
        for one in species
    )


def _keys(one: Species) -> list[tuple[str, str]]:
    """What a species is found by: its Latin name before its class id."""
    keys = []
    if one.latin_name:
        found = latin_name(one.latin_name)
        if found is None or found.subspecies:
            keys.append(("latin", plain(one.latin_name).casefold()))
        else:
            keys.append(("latin", found.binomial.casefold()))
    if one.class_id:
        keys.append(("class", plain(one.class_id).casefold()))
    return keys


def _column(table: Table, ours: str, but: str | None = None) -> str | None:
    """The first usual column of a kind whose values can be what it promises."""
    by_name = {folded(column): column for column in reversed(table.header)}
    for usual in KNOWN[ours].split():
        column = by_name.get(folded(usual))
        if column is not None and column != but and CHECKS[ours](table.values(column)):
            return column
    return None


def _named(table: Table, language: str, path: str | Path) -> str:
    by_name = {folded(column): column for column in reversed(table.header)}
    if folded(language) not in by_name:
        near = difflib.get_close_matches(language, table.header, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise UserError(f"'{path}' has no column '{language}'; {_has(table)}{hint}")
    return by_name[folded(language)]


def _has(table: Table) -> str:
    return f"it has {', '.join(table.header)[:200]}"
