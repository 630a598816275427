"""`species`: what a place promises at a time of the year, or over the year, without any audio."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from birdml.calibration.reading import Rule, reading
from birdml.dataset.recording import Recording
from birdml.ensemble.combination import Combination
from birdml.errors import UserError
from birdml.figures.occurrence import calendar, clock
from birdml.figures.style import species_names
from birdml.files import csv_text, write_text, writing
from birdml.forms import read_table
from birdml.machine import pick_device
from birdml.metadata import metadata_table
from birdml.screen import table_text

if TYPE_CHECKING:
    from birdml.calibration.reading import Rule

HEADER = ("site", "date", "time", "class_id", "latin_name", "score", "rank")
PLACE = ("latitude", "longitude", "elevation")
SHOWN = 15  # species in the terminal


@dataclass(frozen=True)
class SpeciesOptions:
    """What a user asks of `species` (see `species --help`)."""

    model: str = "place1"
    latitude: str = ""
    longitude: str = ""
    elevation: str = ""
    date: str = ""
    time: str = ""
    sites: str = ""
    map: str = ""
    area: str = ""
    top: int = 20
    min_score: str = ""
    scores: str = "presence"
    out: str = "species.csv"
    figures: bool = False
    names: str = ""
    language: str = ""
    device: str = "auto"


@dataclass(frozen=True)
class NamedPlace:
    """A place by name; None where a coordinate is not known."""

    name: str
    latitude: float | None
    longitude: float | None
    elevation: float | None


def species(options: SpeciesOptions) -> list[tuple]:
    """Writes the species of each site and week to `out`, and prints the best; rows as in HEADER,
    behind them a common name where names are given.

    Without a date, each of the 52 weeks of a year. Raises UserError for a request that can't be
    met.
    """
    from birdml.ensemble.occurrence import dates, left_out, occurrence, table_of, weeks
    from birdml.steps.named_model import common_names, find_model

    if options.area:
        raise UserError("area is of a map of one species: give map=SPECIES too")
    asked = checked_moment(options)
    sites = _sites(options)
    rule = rule_of(options)
    combination = find_model(options.model, pick_device(options.device))
    count = len(combination.species)
    common = common_names(options.names, options.language, combination.species)
    read = reading(combination.name, combination.calibration, count, rule)
    for remark in read.remarks:
        print(remark)
    if gone := left_out(combination):
        print(f"they listen, and are left out: {', '.join(gone)}")
    day, minute = metadata_table([asked])[0, :2]
    days = weeks() if np.isnan(day) else np.array([day])
    when = dates(days) if np.isnan(day) else [asked.date]
    rows: list[tuple] = []
    for site in sites:
        place = (site.latitude, site.longitude, site.elevation)
        scores = occurrence(combination, table_of(*place, list(days), [minute]), read)
        rows += _listed(site, when, options, combination, common, scores, read.thresholds)
        if len(sites) == 1:
            _print(combination, common, scores, when)
            if options.figures:
                what = "probability of presence" if read.presence else "share of the softmax"
                hours = None
                if len(days) == 1:
                    at = table_of(*place, list(days), [60.0 * hour for hour in range(24)])
                    hours = occurrence(combination, at, read)
                _draw(options, combination, scores, hours, what)
    write_text(Path(options.out), csv_text((*HEADER, "common_name") if common else HEADER, rows))
    print(
        f"{len(rows)} lines of {len(sites)} {'site' if len(sites) == 1 else 'sites'}: {options.out}"
    )
    return rows


def rule_of(options: SpeciesOptions) -> "Rule":
    """Which scores are asked for, and from which on; UserError for what is no number."""
    try:
        least = float(options.min_score) if options.min_score else None
    except ValueError:
        text = options.min_score
        raise UserError(f"min_score='{text}': it must be a number in 0..1") from None
    return Rule(options.scores, least)


def checked_moment(options: SpeciesOptions) -> Recording:
    """Date, time and place of the request, checked as those of a served model are."""
    return _checked(
        {
            name: value
            for name in ("date", "time", *PLACE)
            if (value := getattr(options, name).strip())
        }
    )


def _checked(given: dict[str, Any]) -> Recording:
    from birdml.ensemble.request import read_metadata

    if not given:
        return Recording("", "")
    longitude = given.get("longitude", "")
    try:  # maps of the Pacific count from 0 to 360
        if 180 < float(longitude or 0) <= 360:
            given = given | {"longitude": str(float(longitude) - 360)}
    except ValueError:
        pass  # said below
    return read_metadata(given)


def _sites(options: SpeciesOptions) -> list[NamedPlace]:
    if not options.sites:
        asked = checked_moment(options)
        if asked.latitude is None or asked.longitude is None:
            raise UserError(
                "species needs a place: give -P latitude=-3.1 -P longitude=-60, or -P sites=FILE "
                "with columns site, latitude, longitude"
            )
        return [NamedPlace("", asked.latitude, asked.longitude, asked.elevation)]
    if any(getattr(options, name) for name in PLACE):
        raise UserError("sites names the places: leave latitude, longitude and elevation out")
    path = Path(options.sites)
    needed = ("site", "latitude", "longitude")
    sites: list[NamedPlace] = []
    rows = read_table(path, needed, "name a CSV file with a row for each site", ("elevation",))
    for line, row in rows:
        try:
            given = {name: text for name in PLACE if (text := (row[name] or "").strip())}
            at = _checked(given)
            if at.latitude is None or at.longitude is None:
                raise UserError("latitude or longitude is missing")
        except UserError as error:
            raise UserError(f"'{path}', line {line}: {error}") from None
        sites.append(NamedPlace(row["site"], at.latitude, at.longitude, at.elevation))
    if not sites:
        raise UserError(f"'{path}' names no site")
    return sites


def _listed(
    site: NamedPlace,
    when: list[str],
    options: SpeciesOptions,
    combination: Combination,
    common: tuple[str, ...],
    scores: np.ndarray,
    thresholds: np.ndarray | None,
) -> Iterator[tuple]:
    """The `top` best species of each week that reach their thresholds, best first."""
    least = np.zeros(scores.shape[1]) if thresholds is None else thresholds
    for date, row in zip(when, scores):
        best = [label for label in np.argsort(-row, kind="stable") if row[label] >= least[label]]
        for rank, label in enumerate(best[: options.top], 1):
            one = combination.species[label]
            score = f"{row[label]:.6f}"
            what = (one.class_id, one.latin_name, score, rank)
            yield (site.name, date, options.time, *what, *((common[label],) if common else ()))


def _print(
    combination: Combination, common: tuple[str, ...], scores: np.ndarray, when: list[str]
) -> None:
    highest, week = scores.max(axis=0), scores.argmax(axis=0)
    rows = []
    for label in np.argsort(-highest, kind="stable")[:SHOWN]:
        one = combination.species[label]
        at = when[week[label]] if len(when) > 1 else ""
        name = f" ({common[label]})" if common and common[label] else ""
        rows.append((f"{highest[label]:.3f}", f"{one.latin_name or one.class_id}{name}", at))
    print(table_text(None, rows, "><<"))


def _draw(
    options: SpeciesOptions,
    combination: Combination,
    scores: np.ndarray,
    hours: np.ndarray | None,
    what: str,
) -> None:
    names = species_names(combination.species)
    place = f"{options.latitude}, {options.longitude}"
    if hours is not None:
        figure = clock(hours, names, f"{place} on {options.date}", what)
    else:
        figure = calendar(scores, names, place, what)
    path = Path(options.out).with_suffix(".png")
    with writing(path) as beside:
        figure.savefig(beside, format="png")
    print(f"picture: {path}")
