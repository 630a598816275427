"""How the values of a source are read: what a column of them tells that none tells alone."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date as calendar_date
from datetime import timedelta

from birdml.dataset.repair import HIGHEST, LONGEST, REPAIRS, coordinate, date, elevation

DAY_MONTH_YEAR = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4})(?:[t ,].*)?")
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
NAMED_MONTH = re.compile(
    r"(?:(\d{1,2})[-. ]+([a-z]{3})[a-z]*[-., ]+|([a-z]{3})[a-z]*[-. ]+(\d{1,2}),?[- ]+)"
    r"(\d{4})(?:[t ,].*)?"
)
EXCEL_DAY_0 = calendar_date(1899, 12, 30)


@dataclass(frozen=True)
class ValueReading:
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


EACH_BY_ITSELF = ValueReading()


def _calendar(year: int, month: int, day: int) -> str | None:
    try:
        return calendar_date(year, month, day).isoformat()
    except ValueError:
        return None


def reading_of(values: Mapping[str, Sequence[str]], feet: bool = False) -> ValueReading:
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
    return ValueReading(
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
