"""Names of species of two sides brought together: class ids, Latin and common names, a mapping."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from birdml.annotations.marks import Names
from birdml.dataset.names import latin_name, means_nothing, names_no_species, plain
from birdml.dataset.recording import Species
from birdml.dataset.sources.rows import NoTable, read_table
from birdml.errors import UserError

NOTHING, UNMATCHED = -2, -1  # instead of a label


def read_mapping(path: str | Path) -> dict[str, str]:
    """A table with the columns `name` and `species`: a name in tables -> a name of the label set.

    An empty `species` says that the name is not to be counted. Raises UserError where the file
    can't be read, lacks a column, or gives one name two meanings.
    """
    try:
        table = read_table(Path(path), [])
    except (NoTable, OSError) as error:
        raise UserError(f"can't read the names in '{path}': {error}") from None
    of = {column.casefold(): column for column in table.header}
    if not {"name", "species"} <= of.keys():
        raise UserError(
            f"'{path}' has no columns 'name' and 'species' (it has {', '.join(table.header)[:200]})"
        )
    result: dict[str, str] = {}
    for line, row in zip(table.lines, table.rows, strict=True):
        name, species = plain(row[of["name"]]), plain(row[of["species"]])
        if name and result.setdefault(folded(name), species) != species:
            raise UserError(f"'{path}' line {line}: '{name}' means two species; leave one")
    return result


@lru_cache(maxsize=1 << 16)  # a table holds each name many times
def folded(name: str) -> str:
    """What spellings of one name share; of a Latin name the species.

    >>> folded("Turdus merula_Eurasian Blackbird"), folded("TURDUS MERULA MERULA")
    ('turdus merula', 'turdus merula')
    >>> folded("Cooper's Hawk"), folded("Black-capped_Chickadee")
    ('coopers hawk', 'black capped chickadee')
    """
    found = latin_name(name)
    text = name if found is None else found.binomial
    return " ".join(re.sub(r"[\W_]+", " ", re.sub("['’]", "", plain(text))).casefold().split())


def keys_of(names: Names) -> list[str]:
    """What a species may be found by: each name, and the parts of `Latin_Common`."""
    keys: dict[str, None] = {}
    for name in names:
        latin, _, common = name.partition("_")
        inside = re.fullmatch(r"(.+?)\s*\((.+)\)", name)
        for part in (
            name,
            *((common,) if common and latin_name(latin) else ()),
            *(inside.groups() if inside and latin_name(name) is None else ()),
        ):
            if part and not names_no_species(part) and not means_nothing(part):
                keys[folded(part)] = None
    return list(keys)


class LabelSet:
    """Which label a species of any table has."""

    def __init__(
        self,
        species: Sequence[Species],
        tables: Iterable[Sequence[Names]],
        mapping: Mapping[str, str] | None = None,
    ):
        """With the label set's `species`; rows of `tables` that tell several names of one species
        tell that these names belong together. Without species, the first table makes the set.
        """
        tables = [list(table) for table in tables]
        self.mapping = dict(mapping or {})
        self.beside: dict[str, set[str]] = defaultdict(set)
        for table in tables:
            for names in table:
                keys = keys_of(names)
                for key in keys:
                    self.beside[key].update(keys)
        self.called: list[str] = [s.class_id for s in species]  # C
        self.shown: list[str] = [s.latin_name or s.class_id for s in species]  # C
        self.labels: dict[str, int] = {}
        for label, one in enumerate(species):
            for name in (one.latin_name, one.class_id):  # where they clash, the class id wins
                if name:
                    self.labels[folded(name)] = label
        self.closed = bool(species)
        if not self.closed:
            for names in tables[0] if tables else ():
                self.add(names)

    def add(self, names: Names) -> int:
        """The label of a species, a new one where it has none."""
        label = self.label(names)
        if label == UNMATCHED and (keys := keys_of(self._mapped(names))):
            label = len(self.called)
            self.called.append(next(iter(self._mapped(names))))
            latin = next((f.binomial for n in self._mapped(names) if (f := latin_name(n))), "")
            self.shown.append(latin or self.called[-1])
            self.labels.update(dict.fromkeys(keys, label))
        elif label >= 0:
            for key in keys_of(names):
                self.labels.setdefault(key, label)
        return label

    def label(self, names: Names) -> int:
        """The label of a species; NOTHING where the name says that nothing sings or the mapping
        that it does not count, UNMATCHED where it can't be told."""
        if all(map(means_nothing, names)):
            return NOTHING
        names = self._mapped(names)
        if not names:
            return NOTHING
        keys = keys_of(names)
        for key in keys:
            if key in self.labels:
                return self.labels[key]
        beside = {self.labels[k] for key in keys for k in self.beside[key] if k in self.labels}
        return beside.pop() if len(beside) == 1 else UNMATCHED

    def array(self, table: Sequence[Names], grow: bool = False) -> np.ndarray:
        """Labels of the species of a table, int32 [S]; with `grow`, new ones for new species."""
        grow = grow and not self.closed
        return np.array([(self.add if grow else self.label)(names) for names in table], np.int32)

    def _mapped(self, names: Names) -> Names:
        for name in names:
            if folded(name) in self.mapping:
                target = self.mapping[folded(name)]
                return (target,) if target else ()
        return names
