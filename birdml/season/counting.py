"""From the results of `predict` on files to numbers: detections and hours listened to, by species,
site, day and hour. Files are read one after the other; only counts stay in memory."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from birdml.errors import UserError
from birdml.forms import read_json
from birdml.prediction.journal import SETTINGS, Entry, on_disk, read_journal

NEEDED = ("start", "end", "species", "latin_name", "score")


@dataclass(frozen=True)
class Best:
    """The detection of a species with the highest score: its file, whole path, seconds in it."""

    score: float
    file: str
    source: str
    start: float
    end: float


class Sums(dict[Any, float]):
    """Sums by key; 0 for a key that has none, which it does not get by that."""

    def __missing__(self, key: object) -> float:
        return 0.0


@dataclass
class Season:
    """Counts of detections by class id and site, day or hour; seconds of audio likewise (`effort`).

    Hours are those of the clock, 0..23. `offset` is that clock's hours before UTC, None where it is
    not known. `undated` files have no date, `untimed` no time of day.
    """

    scores: str
    names: dict[str, str] = field(default_factory=dict)  # class id -> Latin name
    common: dict[str, str] = field(default_factory=dict)  # class id -> common name, where known
    places: dict[str, tuple[float, float] | None] = field(default_factory=dict)  # of sites
    by_site: Counter = field(default_factory=Counter)  # (species, site)
    by_day: Counter = field(default_factory=Counter)  # (species, day)
    by_hour: Counter = field(default_factory=Counter)  # (species, hour)
    by_day_hour: Counter = field(default_factory=Counter)  # (day, hour), of all species
    effort_site_day: Sums = field(default_factory=Sums)  # (site, day), seconds
    effort_day_hour: Sums = field(default_factory=Sums)  # (day, hour), seconds
    effort_site: Sums = field(default_factory=Sums)  # seconds, dated or not
    best: dict[str, Best] = field(default_factory=dict)
    files: int = 0
    lost: int = 0
    undated: int = 0
    untimed: int = 0
    offset: float | None = None

    @property
    def species(self) -> list[str]:
        """Class ids, the most often heard first."""
        total: Counter = Counter()
        for (one, _), count in self.by_site.items():
            total[one] += count
        return sorted(total, key=lambda one: (-total[one], one))

    @property
    def days(self) -> list[date]:
        """Every day from the first to the last, also those without a recording."""
        known = [day for _, day in self.effort_site_day]
        if not known:
            return []
        first, last = min(known), max(known)
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def effort_hours(self) -> list[float]:
        """Hours listened to, by hour of the day [24]."""
        total = [0.0] * 24
        for (_, hour), seconds in self.effort_day_hour.items():
            total[hour] += seconds / 3600
        return total

    def first_and_last(self, species: str) -> tuple[date, date] | None:
        days = [day for one, day in self.by_day if one == species]
        return (min(days), max(days)) if days else None


def count_season(predictions: Path, min_score: float = 0.0) -> Season:
    """The season of a folder of results; detections under `min_score` are left out.

    Raises UserError where the folder holds no results, or none in CSV.
    """
    settings = read_json(predictions / SETTINGS, "name a folder that `predict` has written")
    season = Season(str(settings.get("scores", "softmax")))
    entries = read_journal(predictions).entries
    for name in sorted(entries):
        entry = entries[name]
        if entry.faulty:
            season.lost += 1
            continue
        _add(season, entry, predictions / f"{on_disk(entry.file)}.csv", min_score)
    if not season.files:
        raise UserError(f"'{predictions}' holds no results: predict recordings into it first")
    return season


def _add(season: Season, entry: Entry, table: Path, min_score: float) -> None:
    season.files += 1
    folder = str(PurePosixPath(entry.file).parent)
    site = entry.site or ("recordings" if folder == "." else folder)
    place = (entry.latitude, entry.longitude)
    known = (place[0], place[1]) if place[0] is not None and place[1] is not None else None
    season.places[site] = known or season.places.get(site)
    begin, timed = _begin(entry.at)
    season.undated += begin is None
    season.untimed += begin is not None and not timed
    if begin is not None and begin.tzinfo is not None and season.offset is None:
        season.offset = (begin.utcoffset() or timedelta()) / timedelta(hours=1)
    season.effort_site[site] += entry.seconds
    if begin is not None:
        for day, hour, seconds in _stretches(begin, entry.seconds):
            season.effort_site_day[site, day] += seconds
            if timed:
                season.effort_day_hour[day, hour] += seconds
    for row in _rows(table):
        score, start = float(row["score"]), float(row["start"])
        if score < min_score:
            continue
        one = row["species"]
        season.names[one] = row["latin_name"] or one
        season.common[one] = row.get("common_name") or ""
        season.by_site[one, site] += 1
        if one not in season.best or score > season.best[one].score:
            source = entry.source
            season.best[one] = Best(score, entry.file, source, start, float(row["end"]))
        if begin is not None:
            then = begin + timedelta(seconds=start)
            season.by_day[one, then.date()] += 1
            if timed:
                season.by_hour[one, then.hour] += 1
                season.by_day_hour[then.date(), then.hour] += 1


def _begin(at: str) -> tuple[datetime | None, bool]:
    """When a file began, and whether its time of day is known."""
    try:
        return (datetime.fromisoformat(at), "T" in at) if at else (None, False)
    except ValueError:
        return None, False


def _stretches(begin: datetime, seconds: float) -> Iterator[tuple[date, int, float]]:
    """Days, hours of the clock and seconds in them that a recording covers."""
    while seconds > 0:
        following = begin.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        step = min(seconds, (following - begin).total_seconds())
        yield begin.date(), begin.hour, step
        begin, seconds = following, seconds - step


def _rows(table: Path) -> Iterator[dict[str, str]]:
    try:
        with open(table, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not set(NEEDED) <= set(reader.fieldnames or ()):
                raise UserError(f"'{table}' lacks columns: predict again with format=csv")
            yield from reader
    except FileNotFoundError:
        raise UserError(f"'{table}' is missing: predict again with format=csv") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UserError(f"can't read '{table}' ({error}): remove it and predict again") from None
