"""When and where each of many loose recordings was made, out of all that tells it.

The date and time of a file are those of a table of files, else of its name, else of its header; its
place is that of the table of files, else of its site, else of its header. Models were trained on
local time: clocks that tell their zone are brought to the zone of the place, where that is named.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from birdml.dataset.addresses import address_of, at_hand
from birdml.dataset.headers import Header, read_header, seconds_apart
from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording
from birdml.dataset.recorders import Recorded, offset_of, recorded_at
from birdml.dataset.sites import PLACE, PerFile, Sites, read_per_file, read_sites
from birdml.errors import UserError

SAME = 60.0  # seconds by which the clocks of a name and of a header may differ

Table = TypeVar("Table")


@dataclass(frozen=True)
class Circumstances:
    """Of a recording: `date` yyyy-mm-dd and `time` hh:mm for the models, in local time where it is
    known; `begin` to the second, with its zone where that is known; the place; the name of its
    site. What is not known is empty or None. `clock` says in words which time was taken."""

    date: str = ""
    time: str = ""
    begin: datetime | None = None
    latitude: float | None = None
    longitude: float | None = None
    elevation: float | None = None
    site: str = ""
    clock: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        place = (self.latitude, self.longitude, self.elevation)
        return bool(self.date or self.time) or any(value is not None for value in place)


@dataclass(frozen=True)
class Tables:
    """What is known of many files besides themselves: `sites`, `per_file`, the zone that clocks
    without one run in (None: local time), and the zone of the place (None: times stay as they are).
    """

    sites: Sites | None = None
    per_file: PerFile | None = None
    clock_zone: tzinfo | None = None
    zone: tzinfo | None = None

    def about(self, file: str) -> str:
        """What the tables say of a file, as text: results are of these values."""
        site, _ = self.sites.of(file) if self.sites else (None, "")
        row = self.per_file.of(file) if self.per_file else {}
        return f"{site} {dict(row)}" if site or row else ""

    def of(self, file: str, path: Path) -> Circumstances:
        """Everything that is known of one file, `file` being its path below the folder."""
        row = self.per_file.of(file) if self.per_file else {}
        header, remarks = read_header(path), []
        site, remark = self.sites.of(file) if self.sites else (None, "")
        if remark and row.get("latitude") is None:
            remarks.append(remark)
        if row.get("date") or row.get("time"):
            when, clock = _of_row(row), "of the table of files"
            date, time = str(row.get("date") or ""), str(row.get("time") or "")
        else:
            recorded, remark = _of_file(PurePosixPath(file).stem, header)
            if remark:
                remarks.append(remark)
            when, clock = self._local(recorded)
            date = f"{when:%Y-%m-%d}" if when else ""
            time = f"{when:%H:%M}" if when else ""
        place: tuple = (header.latitude, header.longitude, header.elevation)
        if site:
            place = (site.latitude, site.longitude, site.elevation)
        if row.get("latitude") is not None:
            place = (row["latitude"], row["longitude"], row.get("elevation"))
        name = str(row.get("site") or (site.name if site else ""))
        return Circumstances(
            date, time, when, place[0], place[1], place[2], name, clock, tuple(remarks)
        )

    def _local(self, recorded: Recorded) -> tuple[datetime | None, str]:
        """The moment of a recording in local time, and how it came about."""
        moment = recorded.moment
        if moment is None:
            return None, ""
        if recorded.offset is not None:
            moment = moment.replace(tzinfo=timezone(timedelta(minutes=recorded.offset)))
        elif self.clock_zone is not None:
            moment = moment.replace(tzinfo=self.clock_zone)
        if self.zone is None:
            words = "in the zone that it tells" if moment.tzinfo else "as the clock says"
            return moment, words
        if moment.tzinfo is None:
            return moment.replace(tzinfo=self.zone), f"as the clock says, taken for {self.zone}"
        return moment.astimezone(self.zone), f"brought to {self.zone}"


NO_TABLES = Tables()


def _of_row(row: Mapping[str, str | float | None]) -> datetime | None:
    if not (row.get("date") and row.get("time")):
        return None
    return datetime.fromisoformat(f"{row['date']}T{row['time']}")


def _of_file(stem: str, header: Header) -> tuple[Recorded, str]:
    """By the name, else by the header, and what there is to remark. Where both tell the same clock
    and only the header its zone, with that zone."""
    named, inside = recorded_at(stem), header.recorded
    if named.moment is None:
        return inside, named.remark or inside.remark
    if inside.moment is None:
        return named, ""
    if seconds_apart(named.moment, inside.moment) <= SAME:
        offset = named.offset if named.offset is not None else inside.offset
        return Recorded(named.date, named.time, "", named.moment, offset), ""
    if named.offset is not None and inside.offset is not None:
        between = timedelta(minutes=named.offset - inside.offset)
        if seconds_apart(named.moment - between, inside.moment) <= SAME:
            return named, ""
    told = f"{inside.moment:%Y-%m-%d %H:%M:%S}"
    return named, f"its header tells {told}: the time of its name was taken"


def read_tables(sites: str = "", metadata: str = "", timezone: str = "") -> Tables:
    """The tables and zones that a user names. Raises UserError for what can't be.

    `timezone` is the zone of the place (`Europe/Vienna`, `+02:00`, `UTC`), or two with a comma:
    that of clocks that tell none, and that of the place.
    """
    zones = [zone.strip() for zone in timezone.split(",")] if timezone else []
    if len(zones) > 2:
        raise UserError(f"timezone='{timezone}': one zone, or two: of the clocks, of the place")
    found = [_zone(zone) for zone in zones]
    return Tables(
        _read_at(sites, read_sites) if sites else None,
        _read_at(metadata, read_per_file) if metadata else None,
        found[0] if len(found) == 2 else None,
        found[-1] if found else None,
    )


def _read_at(text: str, read: Callable[[Path], Table]) -> Table:
    """A table in a file, or at an address."""
    address = address_of(text)
    if address is None:
        return read(Path(text))
    try:
        with at_hand(address) as copy:
            try:
                return read(copy)
            except UserError as error:
                raise UserError(str(error).replace(str(copy), text)) from None
    except OSError as error:
        raise UserError(f"can't read '{text}': {error.strerror or error}") from None


@lru_cache
def _zone(name: str) -> tzinfo:
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    offset = offset_of(name)
    if offset is not None:
        return timezone(timedelta(minutes=offset))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UserError(
            f"timezone: '{name}' is no zone; write it as Europe/Vienna, +02:00 or UTC"
        ) from None


def complete(
    recordings: Iterable[RawRecording], tables: Tables, problems: list[Problem]
) -> list[str]:
    """Fills in what a source does not tell of its recordings; what it tells stays as it is.

    Remarks become problems. Answers lines on sites and rows of tables that no recording is of.
    """
    for raw in recordings:
        file = raw.audio_name or raw.file
        found = tables.of(file, raw.audio or Path(file))
        told = {"date": found.date, "time": found.time}
        if not any(raw.fields.get(name, "").strip() for name in told) or tables.zone:
            own = raw.fields.get("date", "").strip()
            if not own or own == recorded_at(PurePosixPath(file).stem).date:
                raw.fields = {**raw.fields, **{k: v for k, v in told.items() if v}}
        if not any(raw.fields.get(name, "").strip() for name in ("latitude", "longitude")):
            place = {name: getattr(found, name) for name in PLACE}
            raw.fields = {
                **raw.fields,
                **{k: f"{v:.9g}" for k, v in place.items() if v is not None},
            }
        raw.place = raw.place or found.site
        problems += [Problem(file, "site or date", "", remark) for remark in found.remarks]
    named = (("sites", tables.sites), ("metadata", tables.per_file))
    return [
        f"{n}: no file for {', '.join(t.unmatched[:10])}" for n, t in named if t and t.unmatched
    ]
