"""Common names of species, in any language, out of a table that a user has: of the IOC, of eBird.

Rows are found by whole Latin names: those of families, subspecies and hybrids are passed over.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path

from birdml.dataset.names import plain
from birdml.dataset.recording import Species
from birdml.dataset.sources.columns import KNOWN, folded
from birdml.dataset.sources.rows import NoTable, Table, read_table
from birdml.errors import UserError

COMMON = frozenset(map(folded, (*KNOWN["common"].split(), "primary_com_name")))


def read_common_names(
    path: str | Path, species: Sequence[Species], language: str = ""
) -> tuple[str, ...]:
    """The common name of each species [C], '' where the table has none.

    Args:
        path: a table with a heading, in any encoding and with any delimiter.
        species: by whose Latin names it is read, in the column that holds most of them.
        language: the column of names, such as German; where it is empty, a column with a usual
            name (common_name, English, ...), or the only other one.

    Raises UserError where the table can't be read, lacks a column, gives a species two names, or
    names none of the species.
    """
    path = Path(path)
    try:
        table = read_table(path, [])
    except (NoTable, OSError) as error:
        raise UserError(f"names: can't read '{path}': {error}") from None
    keys = [_key(one.latin_name) for one in species]
    known = frozenset(filter(None, keys))
    latin = _latin_column(table, known, path)
    column = _named_column(table, latin, language, path)
    found: dict[str, str] = {}
    for line, row in zip(table.lines, table.rows, strict=True):
        key, name = _key(row[latin]), plain(row[column])
        if key in known and name and found.setdefault(key, name) != name:
            raise UserError(
                f"names: '{path}' line {line}: '{row[latin]}' is '{found[key]}' above and '{name}' "
                f"here, in the column '{column}'; leave one"
            )
    if not found:
        raise UserError(f"names: the column '{column}' of '{path}' has no name of the species")
    return tuple(found.get(key, "") for key in keys)


def _key(text: str) -> str:
    """What spellings of a Latin name share.

    >>> _key("Turdus_merula"), _key("TURDUS  MERULA")
    ('turdus merula', 'turdus merula')
    """
    return plain(text.replace("_", " ")).casefold()


def _latin_column(table: Table, keys: frozenset[str], path: Path) -> str:
    counts = {name: sum(_key(v) in keys for v in table.values(name)) for name in table.header}
    best = max(counts, key=lambda name: counts[name])
    if not counts[best]:
        raise UserError(f"names: no column of '{path}' holds a Latin name of the model's species")
    return best


def _named_column(table: Table, latin: str, language: str, path: Path) -> str:
    others = [name for name in table.header if name != latin]
    if language:
        found = [name for name in others if folded(name) == folded(language)]
    else:
        found = [name for name in others if folded(name) in COMMON] or others
    if len(found) == 1 and found[0] not in table.twice:
        return found[0]
    near = difflib.get_close_matches(language, others, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    wrong = f"has no column '{language}'" if language else "has several columns of names, or none"
    raise UserError(
        f"names: '{path}' {wrong}; {hint}name one with -P language=COLUMN: {', '.join(others)}"
    )
