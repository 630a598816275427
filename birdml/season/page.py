"""The season as one HTML page that needs no network, and its pictures."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from birdml.figures import season as figures
from birdml.pages.render import render
from birdml.season.clips import Clips, clip, data, png
from birdml.season.counting import Season

HERE = Path(__file__).parent
SHOWN, PANELS, WITH_CLIP = 30, 12, 30  # species in the calendar, with curves, with a clip
LEAST = 60.0  # seconds recorded in an hour, or on a day, for a rate to mean something


@dataclass(frozen=True)
class _Species:
    name: str
    common: str
    count: int
    per_site: list[int]
    days: tuple[date, date] | None
    score: float
    file: str
    start: float
    clip: tuple[str, str] | None


def pictures(season: Season) -> dict[str, bytes]:
    """PNGs by name; those that need a date, a time or a place are left out where it is missing."""
    days, species, sites = season.days, season.species, sorted(season.places)
    names = [season.names[one] for one in species]
    found: dict[str, bytes] = {}
    at = [(s, p) for s in sites if (p := season.places[s]) is not None]
    suns: tuple = ()
    if at and days:
        middle = np.mean([place for _, place in at], axis=0)
        suns = figures.sun_hours(days, middle[0], middle[1], season.offset)
    effort = _table(season.effort_site_day, sites, days) / 3600
    if days:
        total = effort.sum(axis=0)
        if species:
            counts = _table(season.by_day, species[:SHOWN], days)
            rates = counts / np.where(total * 3600 >= LEAST, total, np.nan)
            figure = figures.calendar_of_species(rates, total, names[:SHOWN], days)
            found["species_by_day"] = png(figure)
        found["effort"] = png(figures.effort_of_sites(effort, sites, days))
    if days and season.effort_day_hour:
        heard = _table(season.effort_day_hour, days, range(24)).T
        rates = _table(season.by_day_hour, days, range(24)).T
        rates = rates / np.where(heard >= LEAST, heard / 3600, np.nan)
        title = "Detections per hour recorded, by day and hour"
        found["day_by_hour"] = png(figures.day_by_hour(rates, days, suns, title))
    if species and season.effort_day_hour:
        listened = np.array(season.effort_hours())
        rates = _table(season.by_hour, species[:PANELS], range(24))
        rates = rates / np.where(listened * 3600 >= LEAST, listened, np.nan)
        sun = tuple(float(hours[len(days) // 2]) for hours in suns)
        usual = (sun[0], sun[1]) if sun and np.isfinite(sun).all() else None
        found["activity"] = png(figures.activity(rates, names[:PANELS], usual))
    if at:
        heard_at = {s: sum(1 for one in species if season.by_site[one, s]) for s, _ in at}
        detections = {s: sum(season.by_site[one, s] for one in species) for s, _ in at}
        per_hour = [detections[s] / max(season.effort_site[s] / 3600, 1 / 60) for s, _ in at]
        places = np.array([place for _, place in at])
        figure = figures.map_of_sites(places, [s for s, _ in at], list(heard_at.values()), per_hour)
        found["map"] = png(figure)
    return found


def page(season: Season, shown: dict[str, bytes], title: str, clips: Clips = clip) -> str:
    """The HTML of a season with its pictures; `clips` gives sounds and spectrograms."""
    sites = sorted(season.places)
    listed = []
    for number, one in enumerate(season.species):
        best = season.best[one]
        per_site = [season.by_site[one, site] for site in sites]
        heard = clips(best) if number < WITH_CLIP else None
        listed.append(
            _Species(
                season.names[one],
                season.common.get(one, ""),
                sum(per_site),
                per_site,
                season.first_and_last(one),
                best.score,
                best.file,
                best.start,
                heard,
            )
        )
    return render(
        HERE / "page.html",
        title=title,
        own_style=(HERE / "page.css").read_text("utf-8"),
        season=season,
        days=season.days,
        sites=sites,
        hours=[season.effort_site[site] / 3600 for site in sites],
        largest=max((n for s in listed for n in s.per_site), default=1),
        species=listed,
        pictures={name: data("image/png", content) for name, content in shown.items()},
    )


def _table(counts, rows, columns) -> np.ndarray:
    """Counts by (row, column) as an array [rows, columns]."""
    return np.array([[counts[row, column] for column in columns] for row in rows], float)
