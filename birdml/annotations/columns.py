"""Which column of a table of marks is what; names that tables of recordings know are theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

from birdml.dataset.sources.columns import CHECKS, KNOWN, folded, named_columns
from birdml.dataset.sources.rows import Table
from birdml.errors import UserError

# ours -> usual names, the best first
PLACES: dict[str, str] = {
    "file": f"begin_path begin_file {KNOWN['file']} in_file audio_filename audio_file_name "
    "source_file input_file recording_id soundscape clip",
    "row": "row_id",
    "folder": "folder",
    "directory": "indir",
    "file_offset": "file_offset_s file_offset",
    "start": "start_time_s start start_time begin_time_s begin_time start_s start_sec "
    "start_seconds start_time_seconds t_min tmin onset onset_s offset",
    "end": "end_time_s end end_time end_s end_sec end_seconds end_time_seconds stop t_max tmax "
    "offset offset_s",
    "duration": "duration duration_s delta_time_s length_s",
    "low": "low_freq_hz low_freq low_frequency_hz low_frequency low_f f_min fmin min_freq freq_min "
    "freq_low minimum_frequency low",
    "high": "high_freq_hz high_freq high_frequency_hz high_frequency high_f f_max fmax max_freq "
    "freq_max freq_high maximum_frequency high",
    "score": "score confidence probability prob conf likelihood certainty",
    "selection": "selection",
    "view": "view",
    "date": "date",
    "time": "time",
}
SPECIES: dict[str, str] = {
    "class_id": f"{KNOWN['class_id']} species_ebird_code ebird alpha_code",
    "latin": f"{KNOWN['latin']} scientific_name_s",
    "common": f"{KNOWN['common']}",
    "label": "annotation annotations labels birds bird tag tags category manual_id auto_id "
    "top1match top_1_match sound_class target_label",
}
NAMEABLE = ("file", "start", "end", "duration", "low", "high", "score", *SPECIES, "species")
SURE = frozenset(  # columns that name the species whatever else there is
    map(
        folded,
        "primary_label class_id ebird_code species_code species_ebird_code scientific_name "
        "latin_name common_name sci_name com_name vernacular_name ebird_species_code".split(),
    )
)


@dataclass(frozen=True)
class MarkColumns:
    """Our name -> the table's; and the columns that name the species, the best first."""

    found: dict[str, str]
    species: tuple[str, ...]
    others: tuple[str, ...]  # what is not used


def find_columns(table: Table, named: str = "") -> MarkColumns:
    """Columns by what the user named, as `ours=theirs, ...`, and by usual names.

    `species=COLUMN` names the only one that tells the species. Raises UserError where a named
    column does not exist, or where one that is needed stands twice with different values.
    """
    found = named_columns(table, named, NAMEABLE)
    species = [found.pop(name) for name in (*SPECIES, "species") if name in found]
    by_name: dict[str, str] = {}
    for column in table.header:
        by_name.setdefault(folded(column), column)
    for ours, usual in PLACES.items():
        for name in usual.split() if ours not in found else ():
            theirs = by_name.get(folded(name))
            if theirs is not None and theirs not in (*found.values(), *species):
                found[ours] = theirs
                break
    species = species or _species(table, by_name, found)
    for theirs in (*found.values(), *species):
        if theirs in table.twice:
            raise UserError(
                f"'{table.name}' has two columns '{theirs}' with different values: rename one"
            )
    used = {*found.values(), *species}
    return MarkColumns(found, tuple(species), tuple(c for c in table.header if c not in used))


def _species(table: Table, by_name: dict[str, str], found: dict[str, str]) -> list[str]:
    """Columns that name the species: all that are sure, else the first that may."""
    may: list[str] = []
    for usual in SPECIES.values():
        for name in usual.split():
            theirs = by_name.get(folded(name))
            if theirs is None or theirs in found.values() or theirs in may:
                continue
            if CHECKS["class_id"](table.values(theirs)):
                may.append(theirs)
    sure = [column for column in may if folded(column) in SURE]
    # `species` beside a Latin or common name is a code or the same again: one more name
    return sure + [c for c in may if folded(c) == "species" and c not in sure] if sure else may[:1]


def lacking(columns: MarkColumns, header: Sequence[str]) -> str:
    """What a table of marks lacks, in words; '' where nothing."""
    found = columns.found
    if not (found.keys() & {"start", "file_offset", "row"}) and {"date", "time"} <= found.keys():
        return (
            "it tells days and times of day, not the seconds within a recording at which "
            "something begins and ends; write these as columns 'start' and 'end'"
        )
    lacks = []
    if not (found.keys() & {"start", "file_offset", "row"}):
        lacks.append("a time of start")
    if not (found.keys() & {"end", "duration", "row"}):
        lacks.append("a time of end")
    if not columns.species:
        lacks.append("a species")
    if not lacks:
        return ""
    return (
        f"it lacks {' and '.join(lacks)} (it has {', '.join(header)[:300]}); name columns, for "
        "example with -P columns='species=Annotation, start=Begin'"
    )
