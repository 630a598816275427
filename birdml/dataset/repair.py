"""Dates, times, elevations and coordinates as people type them, made plain or given up.

Every function takes the raw text and answers the value, or None where nothing can be made of it.
Where the answers differ from those of the 2018 system is listed in docs/datasets.md.
"""

import calendar
import html
import re
from collections.abc import Callable
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
