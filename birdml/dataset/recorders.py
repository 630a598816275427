"""When a recording began, by the name that its recorder gave it.

AudioMoth (`20230512_053000.WAV`, older `5CDC5B3A.WAV`: seconds since 1970 in hexadecimal), Song
Meter (`SMM01234_20230512_053000`), SWIFT (`site_20230512_053000`), BAR (`20230512T053000+1000_x`)
and ISO forms are read. A number that is an id is no date: the year lies in 1980..next year, and
day and clock must be possible.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DATE_AND_TIME = re.compile(
    r"(?<!\d)(\d{4})([-_.]?)(\d\d)\2(\d\d)[T_ -](\d\d)([-_.:h]?)(\d\d)(?:\6(\d\d))?[sT]?"
    r"(?:Z|[+-]\d\d:?\d\d)?(?!\d)"
)
HEXADECIMAL = re.compile(r"[0-9A-F]{8}")
FIRST_YEAR = 1980
FIRST_HEX_YEAR = 2014  # of AudioMoth


@dataclass(frozen=True)
class Recorded:
    """`date` yyyy-mm-dd and `time` hh:mm, both empty where a name tells none; `remark` where it
    tells one that can't be."""

    date: str = ""
    time: str = ""
    remark: str = ""


def recorded_at(stem: str, now: datetime | None = None) -> Recorded:
    """Date and time out of the stem of a file's name.

    >>> recorded_at("SMM01234_20230512_053000")
    Recorded(date='2023-05-12', time='05:30', remark='')
    >>> recorded_at("call_12345678_123456")
    Recorded(date='', time='', remark='')
    >>> recorded_at("19700101_000000").remark
    'the clock of the recorder was not set'
    """
    last_year = (now or datetime.now(UTC)).year + 1
    for match in DATE_AND_TIME.finditer(stem):
        year, month, day, hour, minute = (int(match[i]) for i in (1, 3, 4, 5, 7))
        try:
            moment = datetime(year, month, day, hour, minute, int(match[8] or 0))
        except ValueError:
            continue
        if FIRST_YEAR <= year <= last_year:
            return Recorded(f"{moment:%Y-%m-%d}", f"{moment:%H:%M}")
        if year == 1970:
            return Recorded(remark="the clock of the recorder was not set")
        return Recorded(remark=f"the year {year} can't be that of a recording")
    if HEXADECIMAL.fullmatch(stem):
        moment = datetime(1970, 1, 1) + timedelta(seconds=int(stem, 16))
        if FIRST_HEX_YEAR <= moment.year <= last_year:
            return Recorded(f"{moment:%Y-%m-%d}", f"{moment:%H:%M}")
    return Recorded()
