"""Dates, times, elevations and coordinates as people type them, made plain or given up.

Every function takes the raw text and answers the value, or None where nothing can be made of it.
Where the answers differ from those of the 2018 system is listed in docs/datasets.md.
"""

import calendar
import html
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date as calendar_date
from datetime import timedelta
from functools import lru_cache

LOWEST, HIGHEST = -450.0, 9000.0  # metres: the Dead Sea's shore, Mount Everest

CIRCA = r"(?:(?:~|c\.?|ca\.?|circa|approx\.?|aprox\.?|about|aproximadamente)\s*)"
HOURS = re.compile(
    r"(\d{1,2})\s*(?:h|hs|hrs?)?\s*(?:-|–|to)\s*"
    r"(\d{1,2})\s*(?:h|hs|hrs?|hours)?\.?\s*(?:([ap])\.?\s?m\.?)?"
)
BETWEEN = r"[:.,;_h'\-\s]{1,3}"
HALF = r"([ap])\.?\s?m?\.?"
END_OF_TIME = rf"\s*(?:h|hs|hrs?|hours|uhr|mins?|m|s)?\.?\s*(?:{HALF})?\s*(?:[a-z]{{1,3}}t|utc)?"
CLOCK = rf"(?:(\d{{1,2}})(?:{BETWEEN}(\d{{1,2}})(?:{BETWEEN}\d{{1,2}}(?:\.\d+)?)?)?|(\d{{3,4}}))"
TIME = re.compile(
    rf"{CIRCA}?\+?{CLOCK}{END_OF_TIME}(?:\s*(?:-|to|a)\s*{CLOCK}{END_OF_TIME})?\s*\??"
)
DATE = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2}))?|(\d\d)(\d\d))(?:[t ].*|/\d{4}.*)?")
DAY_MONTH_YEAR = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4})(?:[t ,].*)?")
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
NAMED_MONTH = re.compile(
    r"(?:(\d{1,2})[-. ]+([a-z]{3})[a-z]*[-., ]+|([a-z]{3})[a-z]*[-. ]+(\d{1,2}),?[- ]+)"
    r"(\d{4})(?:[t ,].*)?"
)
CLOCK_IN_DATE = re.compile(
    r".*\d[t ,]+(\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?\s*(?:[ap]\.?m\.?)?)(?:z|[+-]\d\d.*|/.*)?"
)
NUMBER = r"[+-]?\d+(?:[., _]\d{3})*(?:\.\d+)?"
METRES = r"(?:m|mts?|metros|met(?:er|re)s?|metrosm)?\.?\s*(?:asl|masl|msnm|a\.s\.l\.)?"
FEET = r"(?:ft|feet|foot|')\.?"
ABOUT = r"(?:\(?(?:approx\w*|aprox\w*|about|estimated|est)\.?\)?)"
HEIGHT = rf"({NUMBER})\s*({FEET}|{METRES})"
TO = r"\s*(?:-+|–|to|a|/|,)\s*"
ELEVATION = re.compile(
    rf"{CIRCA}?(?:(?:up\s+)?to\s*|[<>]\s*)?{HEIGHT}(?:{TO}{HEIGHT})?(?:{TO}{HEIGHT})?\s*{ABOUT}?"
)
COORDINATE = re.compile(
    r"([nsew]?)\s*([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d+)?)\s*[°º]?\s*([nsew]?)"
)
SEXAGESIMAL = re.compile(
    r"([nsew]?)\s*([+-]?)(\d{1,3})\s*[°ºd:]\s*(\d{1,2}(?:[.,]\d+)?)\s*['′’m:]?\s*"
    r"(?:(\d{1,2}(?:[.,]\d+)?)\s*(?:[\"″”s]|'')?)?\s*([nsew]?)"
)
CACHED = 1 << 14  # values of each kind: a table holds most of them many times
LONGEST = 80  # characters of a value that may mean something
UNSET_DATE = "1970-01-01"  # of a clock that was never set


def says_nothing(text: str) -> bool:
    """Whether a text only states that the value is unknown: nothing is lost in dropping it."""
    return not re.sub(r"[\W_x0]", "", text.lower()) or text.strip().lower() in (
        *("n/a", "na", "nan", "none", "null", "unknown", "alt.?"),
    )


@lru_cache(maxsize=CACHED)
def date(text: str) -> str | None:
    """Year, month, day in this order -> `yyyy-mm-dd`.

    A month without a day (`2003-03-00`, `2003-03`) becomes its middle, a day past the end of its
    month the last one: both keep the season, which is what dates are used for.
    """
    match = DATE.fullmatch(text.strip().lower()[:LONGEST])
    if not match:
        return None
    year, month = int(match[1]), int(match[3] or match[5])
    day = int(match[4] or match[6] or 0)
    if year < 1 or not 1 <= month <= 12 or day > 31:
        return None
    day = min(day or 15, calendar.monthrange(year, month)[1])
    return f"{year:04d}-{month:02d}-{day:02d}"


@lru_cache(maxsize=CACHED)
def time(text: str) -> str | None:
    """A time of day -> `hh:mm`; of a range its start; seconds are dropped."""
    text = html.unescape(text[:LONGEST]).strip().lower()
    if text in ("noon", "midday", "midnight"):
        return "00:00" if text == "midnight" else "12:00"
    text = re.sub(r"(?<=:\d\d)(?:\.\d+)?(?:z|[+-]\d\d:?(?:\d\d)?)$", "", text)  # the zone
    if hours_range := HOURS.fullmatch(text):
        start, last = int(hours_range[1]), int(hours_range[2])
        if hours_range[3] and max(start, last) <= 12:
            evening = hours_range[3] == "p"
            if start % 12 > last % 12:  # 11-1 pm: only its end
                evening = not evening
            return f"{start % 12 + 12 * evening:02d}:00"
        if not hours_range[3] and len(hours_range[2]) == 1 and start < 24:
            return f"{start:02d}:00"
    match = TIME.fullmatch(text)
    if not match:
        return None
    hour, minute, compact, half, *end = match.groups()
    if compact:
        hour, minute = compact[:-2], compact[-2:]
    hours, minutes = int(hour), int(minute or 0)
    if half is None and end[3]:  # `7-9 am`: both ends; `11-1 pm`: only the second
        half = end[3] if int(end[0] or end[2][:-2]) % 12 >= hours % 12 else None
    if half == "p" and hours < 12:
        hours += 12
    elif half == "a" and hours == 12:
        hours = 0
    if (hours, minutes) == (24, 0):
        hours = 0
    return f"{hours:02d}:{minutes:02d}" if hours < 24 and minutes < 60 else None


@lru_cache(maxsize=CACHED)
def elevation(text: str, decimals: bool = False, feet: bool = False) -> float | None:
    """Metres above sea level; of a range the upper bound; feet are converted.

    `1.200` and `1,200` are thousands, as is usual where these recordings were made, unless
    `decimals` says that the column has them. `feet`: the unit where a value has none.
    """
    if len(text) > LONGEST:  # the form below would try all ways to read it
        return None
    text = re.sub(r"</?[a-z]+/?>", "", html.unescape(_minus(text)).strip().lower())
    text = re.sub(r"[\s?]+$", "", text)
    if re.fullmatch(r"(?:at )?sea[- ]level", text):
        return 0.0
    match = ELEVATION.fullmatch(text)
    if not match:
        return None
    values = []
    found = [(n, u) for n, u in zip(match.groups()[::2], match.groups()[1::2]) if n is not None]
    said = [unit for _, unit in found if unit]  # `4500-5000 ft`: the unit of both
    for number, unit in found:
        if decimals:
            value = float(number.replace(" ", "").replace("_", "").replace(",", "."))
        else:
            value = float(re.sub(r"[, _.](?=\d{3}(?!\d))", "", number))
        own = unit or (said[-1] if said else "")
        in_feet = bool(re.match(FEET, own)) if own else feet
        values.append(round(value * 0.3048, 1) if in_feet else value)
    return max(values) if LOWEST <= max(values) <= HIGHEST else None


@lru_cache(maxsize=CACHED)
def coordinate(text: str, limit: float) -> float | None:
    """Degrees within -limit..limit; takes a decimal comma, minutes and seconds, and a letter for
    the hemisphere before or behind. `O` is east in German and west in Spanish: no answer."""
    text = _minus(text[:LONGEST]).strip().lower()
    match = COORDINATE.fullmatch(text)
    if match:
        before, number, behind = match.groups()
        value = float(number.replace(",", "."))
    else:
        match = SEXAGESIMAL.fullmatch(text)
        if not match:
            return None
        before, sign, degrees, minutes, seconds, behind = match.groups()
        parts = [float(part.replace(",", ".")) for part in (minutes, seconds or "0")]
        if max(parts) >= 60:
            return None
        value = round(float(degrees) + parts[0] / 60 + parts[1] / 3600, 7)
        value = -value if sign == "-" else value
    letter = before or behind
    if (before and behind) or (letter and (letter in "ns") != (limit == 90)):
        return None
    if letter and letter in "sw":
        value = -abs(value)
    return value if abs(value) <= limit else None


def _minus(text: str) -> str:
    return re.sub("[\u2212\u2013\u2012\ufe63\uff0d](?=\\s*\\d)", "-", text)


def latitude(text: str) -> float | None:
    """Degrees north."""
    return coordinate(text, 90)


def longitude(text: str) -> float | None:
    """Degrees east."""
    return coordinate(text, 180)


REPAIRS: dict[str, Callable[[str], str | float | None]] = {
    "date": date,
    "time": time,
    "elevation": elevation,
    "latitude": latitude,
    "longitude": longitude,
}


@dataclass(frozen=True)
class Reading:
    """How the values of a source are read, where a value alone does not tell.

    The default reads each value by itself, as the 2018 system did.
    """

    day_first: bool | None = None  # of 03/04/2019; None: such dates say nothing
    serial_dates: bool = False  # days since 1899-12-30, as Excel counts them
    day_fractions: bool = False  # times such as 0.25
    decimals: bool = False  # elevations such as 4.572 are no thousands
    feet: bool = False  # elevations without a unit
    eastward: bool = False  # longitudes of 0..360
    by_column: bool = False  # d/m/y, 0/0 and 1970-01-01 are read as people mean them

    def value(self, field: str, text: str) -> str | float | None:
        """The value of one field, or None where nothing can be made of the text."""
        if field == "elevation":
            return elevation(text, self.decimals, self.feet)
        if field == "date" and self.by_column:
            return self._date(text)
        if field == "time" and self.day_fractions:
            with suppress(ValueError):
                minutes = round(float(text.replace(",", ".")) * 1440) % 1440
                return f"{minutes // 60:02d}:{minutes % 60:02d}"
        if field == "longitude" and self.eastward:
            value = coordinate(text, 360)
            return None if value is None else round(value - 360, 7) if value > 180 else value
        return REPAIRS[field](text)

    def _date(self, text: str) -> str | None:
        low = text.strip().lower()[:LONGEST]
        if match := NAMED_MONTH.fullmatch(low):
            month = match[2] or match[3]
            return (
                _calendar(int(match[5]), MONTHS.index(month) + 1, int(match[1] or match[4]))
                if month in MONTHS
                else None
            )
        if match := DAY_MONTH_YEAR.fullmatch(low):
            first, second, year = int(match[1]), int(match[3]), int(match[4])
            day_first = self.day_first
            if first > 12 or second > 12:  # it says so itself
                day_first = first > 12
            elif day_first is None and match[2] == ".":
                day_first = True
            if day_first is None:
                return None
            return _calendar(year, second, first) if day_first else _calendar(year, first, second)
        if self.serial_dates and re.fullmatch(r"\d{5}(?:[.,]\d+)?", low):
            return (EXCEL_DAY_0 + timedelta(days=int(low[:5]))).isoformat()
        return date(text)


EXCEL_DAY_0 = calendar_date(1899, 12, 30)


def _calendar(year: int, month: int, day: int) -> str | None:
    try:
        return calendar_date(year, month, day).isoformat()
    except ValueError:
        return None


def reading_of(values: Mapping[str, Sequence[str]], feet: bool = False) -> Reading:
    """How to read a source, decided by all its values of each field.

    `feet`: the elevation's heading says so.
    """
    dates = [value.strip().lower()[:LONGEST] for value in values.get("date", ())]
    pairs = [(int(m[1]), int(m[3])) for m in map(DAY_MONTH_YEAR.fullmatch, dates) if m]
    day_first, month_first = (any(pair[i] > 12 for pair in pairs) for i in (0, 1))
    serial = [v for v in dates if re.fullmatch(r"[2-5]\d{4}(?:[.,]\d+)?", v)]
    times = [value.strip() for value in values.get("time", ()) if value.strip()]
    fractions = [v for v in times if re.fullmatch(r"0?[.,]\d+|0|1", v)]
    heights = [value.strip() for value in values.get("elevation", ()) if value.strip()]
    east = [coordinate(value, 360) for value in values.get("longitude", ())]
    degrees = [value for value in east if value is not None]
    return Reading(
        day_first=None if day_first == month_first else day_first,
        serial_dates=bool(serial) and len(serial) > len([d for d in dates if d]) / 2,
        day_fractions=len(fractions) > len(times) / 2 and any(len(v) > 2 for v in fractions),
        decimals=_has_decimals(heights),
        feet=feet,
        eastward=any(value > 180 for value in degrees) and min(degrees, default=0) >= 0,
        by_column=True,
    )


def _has_decimals(heights: Sequence[str]) -> bool:
    """Whether a mark before three digits is that of a decimal: where others of the column have
    more or fewer digits behind it, or thousands would be higher than the highest mountain."""
    for text in heights:
        match = re.fullmatch(r"[-+]?(\d+)[.,](\d+)\s*(?:m|ft)?\.?", text[:LONGEST].lower())
        if match and (
            len(match[2]) != 3
            or match[1].startswith("0")
            or len(match[1]) > 3
            or float(match[1] + match[2]) > HIGHEST
        ):
            return True
    return False


def clock_in_date(text: str) -> str:
    """The time of day that a date holds, `2019-05-03T06:30:00Z` -> `06:30:00`; '' if none."""
    match = CLOCK_IN_DATE.fullmatch(text.strip().lower()[:LONGEST])
    return match[1] if match else ""


def is_plain(field: str, text: str, value: str | float) -> bool:
    """Whether a text already was the value, but for leading zeros and seconds."""
    if isinstance(value, float):
        try:
            return float(text) == value
        except ValueError:
            return False
    shape = r"\d{4}-\d{1,2}-\d{1,2}" if field == "date" else r"\d{1,2}:\d\d(:\d\d)?"
    numbers = [int(n) for n in re.findall(r"\d+", value)]
    return bool(re.fullmatch(shape, text)) and numbers == [
        int(n) for n in re.findall(r"\d+", text)[: len(numbers)]
    ]
