"""When a recording began, by the name that its recorder gave it; headers: `dataset.headers`.

AudioMoth (`20230512_053000.WAV`, older `5CDC5B3A.WAV`: seconds since 1970 in hexadecimal), Song
Meter (`SMM01234_20230512_053000`), SWIFT (`site_20230512_053000`), BAR (`20230512T053000+1000_x`)
and ISO forms are read. A number that is an id is no date: the year lies in 1980..next year, and
day and clock must be possible.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

DATE_AND_TIME = re.compile(
    r"(?<!\d)(\d{4})([-_.]?)(\d\d)\2(\d\d)[T_ -](\d\d)([-_.:h]?)(\d\d)(?:\6(\d\d))?[sT]?"
    r"(Z|[+-]\d\d:?\d\d)?(?!\d)"
)
HEXADECIMAL = re.compile(r"[0-9A-F]{8}")
FIRST_YEAR = 1980
FIRST_HEX_YEAR = 2014  # of AudioMoth


UNSET = "the clock of the recorder was not set"


@dataclass(frozen=True)
class Recorded:
    """`date` yyyy-mm-dd and `time` hh:mm, both empty where a name tells none; `remark` where it
    tells one that can't be. `moment` is the same to the second, `offset` its minutes before UTC
    (east positive) where the name tells its zone."""

    date: str = ""
    time: str = ""
    remark: str = ""
    moment: datetime | None = field(default=None, compare=False, repr=False)
    offset: int | None = field(default=None, compare=False, repr=False)


def recorded_at(stem: str, now: datetime | None = None) -> Recorded:
    """Date and time out of the stem of a file's name.

    >>> recorded_at("SMM01234_20230512_053000")
    Recorded(date='2023-05-12', time='05:30', remark='')
    >>> recorded_at("call_12345678_123456")
    Recorded(date='', time='', remark='')
    >>> recorded_at("19700101_000000").remark
    'the clock of the recorder was not set'
    """
    for match in DATE_AND_TIME.finditer(stem):
        year, month, day, hour, minute = (int(match[i]) for i in (1, 3, 4, 5, 7))
        try:
            moment = datetime(year, month, day, hour, minute, int(match[8] or 0))
        except ValueError:
            continue
        return checked(moment, offset_of(match[9] or ""), now)
    if HEXADECIMAL.fullmatch(stem):
        moment = datetime(1970, 1, 1) + timedelta(seconds=int(stem, 16))
        if FIRST_HEX_YEAR <= moment.year <= _last_year(now):
            return checked(moment, 0, now)
    return Recorded()


def checked(moment: datetime, offset: int | None = None, now: datetime | None = None) -> Recorded:
    """A moment that a recorder tells; only a remark where its year can't be that of a recording."""
    if FIRST_YEAR <= moment.year <= _last_year(now):
        return Recorded(f"{moment:%Y-%m-%d}", f"{moment:%H:%M}", "", moment, offset)
    if moment.year == 1970:
        return Recorded(remark=UNSET)
    return Recorded(remark=f"the year {moment.year} can't be that of a recording")


def offset_of(text: str) -> int | None:
    """Minutes before UTC of `Z`, `+0200` or `-03:30`; None for what is no zone.

    >>> offset_of("Z"), offset_of("+0200"), offset_of("-03:30"), offset_of("-0817")
    (0, 120, -210, None)
    """
    if text == "Z":
        return 0
    digits = text.replace(":", "")
    if not re.fullmatch(r"[+-]\d{4}", digits):
        return None
    hours, minutes = int(digits[1:3]), int(digits[3:])
    if hours > 14 or minutes % 15 or minutes > 45:
        return None
    return (60 * hours + minutes) * (-1 if digits[0] == "-" else 1)


def _last_year(now: datetime | None) -> int:
    return (now or datetime.now(UTC)).year + 1
