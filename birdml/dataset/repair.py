"""Dates, times, elevations and coordinates as people type them, made plain or given up.

Every function takes the raw text and answers the value, or None where nothing can be made of it.
Where the answers differ from those of the 2018 system is listed in docs/datasets.md.
"""

import calendar
import html
import re

LOWEST, HIGHEST = -450.0, 9000.0  # metres: the Dead Sea's shore, Mount Everest

CIRCA = r"(?:(?:~|c\.?|ca\.?|circa|approx\.?|aprox\.?|about|aproximadamente)\s*)"
BETWEEN = r"[:.,;_h'\-\s]{1,3}"
HALF = r"([ap])\.?\s?m?\.?"
END_OF_TIME = rf"\s*(?:h|hs|hrs?|hours|uhr|mins?|m|s)?\.?\s*(?:{HALF})?\s*(?:[a-z]{{1,3}}t|utc)?"
CLOCK = rf"(?:(\d{{1,2}})(?:{BETWEEN}(\d{{1,2}})(?:{BETWEEN}\d{{1,2}}(?:\.\d+)?)?)?|(\d{{3,4}}))"
TIME = re.compile(
    rf"{CIRCA}?\+?{CLOCK}{END_OF_TIME}(?:\s*(?:-|to|a)\s*{CLOCK}{END_OF_TIME})?\s*\??"
)
DATE = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})(?:\2(\d{1,2}))?|(\d\d)(\d\d))(?:[t ].*)?")
NUMBER = r"[+-]?\d+(?:[., _]\d{3})*(?:\.\d+)?"
METRES = r"(?:m|mts?|metros|met(?:er|re)s?|metrosm)?\.?\s*(?:asl|masl|msnm|a\.s\.l\.)?"
FEET = r"(?:ft|feet|foot|')\.?"
ABOUT = r"(?:\(?(?:approx\w*|aprox\w*|about|estimated|est)\.?\)?)"
HEIGHT = rf"({NUMBER})\s*({FEET}|{METRES})"
TO = r"\s*(?:-+|–|to|a|/|,)\s*"
ELEVATION = re.compile(
    rf"{CIRCA}?(?:(?:up\s+)?to\s*|[<>]\s*)?{HEIGHT}(?:{TO}{HEIGHT})?(?:{TO}{HEIGHT})?\s*{ABOUT}?"
)
COORDINATE = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[+-]?\d+)?)\s*°?\s*([nsewo]?)")


def says_nothing(text: str) -> bool:
    """Whether a text only states that the value is unknown: nothing is lost in dropping it."""
    return not re.sub(r"[\W_x0]", "", text.lower()) or text.strip().lower() in (
        *("n/a", "na", "nan", "none", "null", "unknown", "alt.?"),
    )


def date(text: str) -> str | None:
    """Year, month, day in this order -> `yyyy-mm-dd`.

    A month without a day (`2003-03-00`, `2003-03`) becomes its middle, a day past the end of its
    month the last one: both keep the season, which is what dates are used for.
    """
    match = DATE.fullmatch(text.strip().lower())
    if not match:
        return None
    year, month = int(match[1]), int(match[3] or match[5])
    day = int(match[4] or match[6] or 0)
    if year < 1 or not 1 <= month <= 12 or day > 31:
        return None
    day = min(day or 15, calendar.monthrange(year, month)[1])
    return f"{year:04d}-{month:02d}-{day:02d}"


def time(text: str) -> str | None:
    """A time of day -> `hh:mm`; of a range its start; seconds are dropped."""
    text = html.unescape(text).strip().lower()
    if text in ("noon", "midday", "midnight"):
        return "00:00" if text == "midnight" else "12:00"
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


def elevation(text: str) -> float | None:
    """Metres above sea level; of a range the upper bound; feet are converted.

    `1.200` and `1,200` are thousands, as is usual where these recordings were made.
    """
    text = re.sub(r"</?[a-z]+/?>", "", html.unescape(text).strip().lower())
    text = re.sub(r"[\s?]+$", "", text)
    if re.fullmatch(r"(?:at )?sea[- ]level", text):
        return 0.0
    match = ELEVATION.fullmatch(text)
    if not match:
        return None
    values = []
    for number, unit in zip(match.groups()[::2], match.groups()[1::2]):
        if number is not None:
            metres = float(re.sub(r"[, _.](?=\d{3}(?!\d))", "", number))
            values.append(round(metres * 0.3048, 1) if re.match(FEET, unit) else metres)
    return max(values) if LOWEST <= max(values) <= HIGHEST else None


def coordinate(text: str, limit: float) -> float | None:
    """Degrees within -limit..limit; takes a decimal comma and a letter for the hemisphere."""
    match = COORDINATE.fullmatch(text.strip().lower())
    if not match:
        return None
    value = float(match[1].replace(",", "."))
    if match[2] and (match[2] in "ns") != (limit == 90):
        return None
    if match[2] and match[2] in "swo":
        value = -abs(value)
    return value if abs(value) <= limit else None


def latitude(text: str) -> float | None:
    """Degrees north."""
    return coordinate(text, 90)


def longitude(text: str) -> float | None:
    """Degrees east."""
    return coordinate(text, 180)


REPAIRS = {
    "date": date,
    "time": time,
    "elevation": elevation,
    "latitude": latitude,
    "longitude": longitude,
}


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
