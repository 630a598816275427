"""Which column of a table is what: one table of known names, checked against what stands in it.

A column that the user names always wins. Of the known names the first counts whose values can be
what the name promises: a `class` of nothing but `Aves` is no species, nor is a `label` that says
song or call.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from birdml.dataset.names import latin_name, names_no_species
from birdml.dataset.sources.rows import Table
from birdml.errors import UserError

# ours -> usual names, the best first; case, blanks, dashes and underscores do not count
KNOWN: dict[str, str] = {
    "class_id": "primary_label class_id ebird_code ebird_species_code species_code bird_code "
    "species_id species_label label class code target",
    "latin": "scientific_name latin_name latin binomial species_latin sci_name sciname scientific "
    "accepted_scientific_name verbatim_scientific_name canonical_name taxon_name taxon "
    "species_name species_scientific_name species",
    "genus": "genus gen generic_name",
    "species": "specific_epithet epithet species sp",
    "common": "common_name vernacular_name english_name com_name common english "
    "species_common_name species_name species name en",
    "background": "secondary_labels background background_species also other_species bg "
    "associated_taxa secondary_species background_labels",
    "date": "date recording_date event_date recorded_on observation_date date_recorded obs_date "
    "date_time datetime recording_datetime timestamp start_datetime obs_dt date_local datum fecha",
    "time": "time recording_time event_time time_of_day obs_time local_time time_local "
    "time_recorded hora uhrzeit start_time",
    "year": "year",
    "month": "month",
    "day": "day",
    "latitude": "latitude lat decimal_latitude latitute latitude_decimal gps_lat latitud",
    "longitude": "longitude lon lng long decimal_longitude longitute longitude_decimal gps_lon "
    "longitud",
    "elevation": "elevation altitude alt elev elevation_m altitude_m elevation_in_meters "
    "elevation_meters elevation_ft elevation_feet altitude_ft altitude_feet "
    "minimum_elevation_in_meters verbatim_elevation elevation_metres",
    "elevation_max": "maximum_elevation_in_meters",
    "recordist": "author recordist rec recorded_by who_provided_recording recorder observer "
    "recordist_name observer_name observer_id user_id collector contributor",
    "place": "locality location loc place site verbatim_locality site_id location_name station",
    "licence": "license licence lic license_code rights copyright lizenz",
    "file": "filename file_name file path audio itemid file_path audio_file audio_path sound_file "
    "begin_file recording wav",
    "id": "file_id xc_id recording_id catalog_number ml_catalog_number catalogue_number ml_id "
    "asset_id sound_id id recording_nr key gbif_id occurrence_id",
    "start": "start start_time begin_time start_s start_sec start_seconds begin_time_s "
    "offset onset",
    "end": "end end_time end_s end_sec end_seconds end_time_s stop",
}
NAMEABLE = tuple(name for name in KNOWN if name not in ("year", "month", "day", "elevation_max"))
TAXA = frozenset(  # in a column `class`, or in one that stands beside it
    "aves mammalia amphibia insecta reptilia actinopterygii chondrichthyes arachnida animalia "
    "aves(birds) birds bird mammals insects frogs amphibians anura orthoptera bats "
    "chiroptera".split()
)
SOUNDS = frozenset(  # in a column `label` or `type`
    "song call calls songs subsong drumming alarm flight dawn begging male female juvenile "
    "adult uncertain duet social contact nocturnal imitation mimicry sex stage type nfc "
    "other".split()
)
MOST = 0.5  # share of values that must be what a column's name promises


@dataclass(frozen=True)
class Columns:
    """Our name -> the table's; what was found is said, and what was not used."""

    found: dict[str, str]
    unused: tuple[str, ...]
    epithets: str = ""  # a column of epithets without a genus: no names of species

    @property
    def tells_species(self) -> bool:
        identified = "file" in self.found or "id" in self.found
        named = {"class_id", "latin", "common"} & self.found.keys()
        return identified and bool(named or {"genus", "species"} <= self.found.keys())

    def missing(self) -> str:
        """What a table lacks to be read."""
        lacks = []
        if not ("file" in self.found or "id" in self.found):
            lacks.append("a file name or id")
        if self.epithets:
            lacks.append(f"a genus ('{self.epithets}' holds epithets alone)")
        elif not self.tells_species and not (
            {"class_id", "latin", "common"} & self.found.keys()
            or {"genus", "species"} <= self.found.keys()
        ):
            lacks.append("a species")
        return " and ".join(lacks)

    def notes(self, table: str) -> list[str]:
        """What to tell the user of a table."""
        taken = ", ".join(f"{ours}={theirs}" for ours, theirs in self.found.items())
        lines = [f"{table}: columns {taken}"]
        if self.unused:
            lines.append(f"{table}: not used: {', '.join(self.unused)}")
        return lines


def find_columns(table: Table, named: str = "") -> Columns:
    """Columns by what the user named, as `ours=theirs, ...`, and by usual names.

    Raises UserError where a named column does not exist, or where a column that is needed stands
    twice with different values.
    """
    found = named_columns(table, named)
    by_name: dict[str, str] = {}
    for column in table.header:
        by_name.setdefault(folded(column), column)
    told_by_user = {"class_id", "latin", "species", "common"} & found.keys()
    for ours, usual in KNOWN.items():
        if ours in found or (told_by_user and ours in _beside(found)):
            continue
        for name in usual.split():
            theirs = by_name.get(folded(name))
            if theirs is None or theirs in found.values():
                continue
            check = CHECKS.get(f"{ours} {name}") or CHECKS.get(ours)
            if check is None or check(table.values(theirs)):
                found[ours] = theirs
                break
    if "elevation" not in found:
        found.pop("elevation_max", None)
    if "date" in found:
        for part in ("year", "month", "day"):
            found.pop(part, None)
    epithets = _settle_species(found, table, by_name, bool(told_by_user))
    for ours, theirs in found.items():
        if theirs in table.twice:
            raise UserError(
                f"'{table.name}' has two columns '{theirs}' with different values, for {ours}: "
                "rename one of them"
            )
    used = set(found.values())
    return Columns(found, tuple(c for c in table.header if c not in used), epithets)


def named_columns(table: Table, named: str, nameable: Sequence[str] = NAMEABLE) -> dict[str, str]:
    """What the user said, `ours=theirs` separated by commas or semicolons."""
    exact = {column: column for column in table.header}
    alike = {folded(column): column for column in reversed(table.header)}
    found = {}
    for pair in filter(None, re.split(r"\s*[,;]\s*", named.strip())):
        ours, equals, theirs = (part.strip() for part in pair.partition("="))
        if not equals or ours not in nameable:
            raise UserError(f"columns: '{pair}' is none of {', '.join(nameable)} followed by =NAME")
        column = exact.get(theirs) or alike.get(folded(theirs))
        if column is None:
            near = difflib.get_close_matches(theirs, table.header, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise UserError(
                f"columns: '{table.name}' has no '{theirs}'; it has {', '.join(table.header)}{hint}"
            )
        found[ours] = column
    return found


@lru_cache(maxsize=1 << 12)  # a folder of tables repeats them
def folded(name: str) -> str:
    """A column's name without case, blanks and marks.

    >>> folded("ML Catalog Number"), folded("decimalLatitude"), folded("Begin Time (s)")
    ('mlcatalognumber', 'decimallatitude', 'begintimes')
    """
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFC", name).casefold())


def _beside(found: dict[str, str]) -> tuple[str, ...]:
    """What is not looked for where the user named the species in another way."""
    if "class_id" in found:
        return ("common",)
    if "latin" in found:
        return ("class_id", "genus", "species", "common")
    if "species" in found:
        return ("class_id", "latin", "common")
    return ("class_id",)


def _settle_species(
    found: dict[str, str], table: Table, by_name: dict[str, str], by_user: bool
) -> str:
    """One way to name the species; returns the column of epithets that lack a genus."""
    if not by_user and "latin" in found:
        found.pop("genus", None)
        found.pop("species", None)
    if "genus" in found and "species" in found:
        found.pop("common", None)
    elif "species" in found and "genus" not in found:
        if by_user and found["species"] in table.header:
            if _binomials(table.values(found["species"])):
                found["latin"] = found.pop("species")
            else:
                found["class_id"] = found.pop("species")
        else:
            column = found.pop("species")
            if {"class_id", "latin"} & found.keys():
                return ""
            if not _epithets(table.values(column)):
                found["class_id"] = column  # codes
            else:
                found.pop("common", None)
                return column
    elif "genus" in found:
        found.pop("genus")
    if {"class_id", "latin"} & found.keys() and not by_user:
        found.pop("common", None)
    return ""


def _share(values: Sequence[str], fits: Callable[[str], bool]) -> float:
    some = values[:2000]
    return sum(map(fits, some)) / len(some) if some else 0.0


def _binomials(values: Sequence[str]) -> bool:
    """Whether most values that name a species are Latin names."""
    named = [value for value in values[:2000] if not names_no_species(value)]
    return _share(named, lambda value: latin_name(value) is not None) > MOST


def _epithets(values: Sequence[str]) -> bool:
    """Lower-case words, longer than the codes of eBird, without digits."""
    words = [v for v in values if re.fullmatch(r"[a-zà-ÿ]+(?:-[a-zà-ÿ]+)*", v)]
    return len(words) > MOST * len(values) and sum(map(len, words)) > 7 * len(words)


def _no_taxa(values: Sequence[str]) -> bool:
    """Whether values may be labels of species: neither higher taxa only nor kinds of sound."""

    def is_sound(value: str) -> bool:
        words = re.findall(r"[a-z]+", value.casefold())
        return bool(words) and all(word in SOUNDS for word in words)

    return bool(values) and not (
        _share(values, lambda v: v.casefold().replace(" ", "") in TAXA) > 0.9
        or _share(values, is_sound) > 0.9
    )


def _numbers(values: Sequence[str]) -> bool:
    """Seconds of a segment, not times of day."""
    return _share(values, lambda v: bool(re.fullmatch(r"\d+(?:[.,]\d+)?", v))) > 0.9


def _times(values: Sequence[str]) -> bool:
    """Anything but plain numbers of seconds: those are of segments."""
    return (
        not values or not _share(values, lambda v: bool(re.fullmatch(r"\d+\.0?|\d{1,2}", v))) > MOST
    )


# what a column is for, or that and its name
CHECKS: dict[str, Callable[[Sequence[str]], bool]] = {
    "class_id": _no_taxa,
    "latin": _binomials,
    "species": lambda values: not _binomials(values) and _no_taxa(values),
    "common": _no_taxa,
    "start": _numbers,
    "end": _numbers,
    "time start_time": _times,
}
