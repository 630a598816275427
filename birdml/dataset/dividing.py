"""Recordings divided into train and valid: what belongs together is not parted."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from math import floor

from birdml.dataset.labels import class_id_of
from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording
from birdml.dataset.reading import EACH_BY_ITSELF, ValueReading
from birdml.dataset.recording import Recording
from birdml.dataset.repair import UNSET_DATE
from birdml.dataset.split import choose_valid, groups
from birdml.errors import UserError

NO_SPECIES = ""  # the species of recordings of nothing
VALID_BY = {  # what is not parted -> what figures on the validation recordings stand for
    "group": "new recordings, mostly by known recordists at known places",
    "recordist": "recordings by unknown recordists",
    "site": "recordings at unknown places",
    "time": "recordings of a later time",
    "region": "recordings in unknown regions",
}
REGION = 2.0  # degrees
TOLERANCE = 0.001  # degrees within which two places are one


def divide(
    recordings: Sequence[RawRecording],
    fraction: float,
    listed: frozenset[str] | None,
    seed: int,
    problems: list[Problem],
    reading: ValueReading = EACH_BY_ITSELF,
    valid_by: str = "group",
    cuts: Mapping[str, int] | None = None,
) -> dict[str, str]:
    """Name -> split. Recordings of nothing are divided too, into splits of their own.

    `cuts`: of recordings that hold some of the same sound, the number of their group.

    Raises UserError where the recordings can't be divided in the way that `valid_by` says.
    """
    split = {r.file: r.split for r in recordings}
    free = [r for r in recordings if not r.split]
    if listed is not None:
        if not any(r.file in listed and not r.noise for r in free):
            raise UserError("none of the recordings listed as validation is in the source")
        valid = {i for i, r in enumerate(free) if r.file in listed}
    elif valid_by == "time":
        valid = _last_days(free, fraction, reading)
    else:
        keys = group_keys(free, reading, valid_by)
        for recording, own in zip(free, keys):
            if cuts and recording.file in cuts:
                own.append(("cut", cuts[recording.file]))
        group = groups(keys)
        if valid_by != "group" and fraction and len(set(group)) == 1 and len(free) > 1:
            raise UserError(
                f"valid_by={valid_by}: all recordings are of one {valid_by}; use valid_by=group"
            )
        valid, without = choose_valid(
            [r.file for r in free],
            [NO_SPECIES if r.noise else class_id_of(r) for r in free],
            group,
            fraction,
            seed,
        )
        for class_id in without if fraction else ():
            what = "all in train: too few independent recordings"
            problems.append(Problem(class_id or "recordings of nothing", "split", "", what))
    for i, recording in enumerate(free):
        name = "valid" if i in valid else "train"
        split[recording.file] = f"noise_{name}" if recording.noise else name
    return split


def _last_days(
    recordings: Sequence[RawRecording], fraction: float, reading: ValueReading
) -> set[int]:
    """The recordings of the last days that hold at least a fraction of those with a date."""
    days = [_circumstances(r, reading)[3] for r in recordings]
    dated = sorted(day for day in days if day)
    if len(set(dated)) < 2:
        raise UserError("valid_by=time: the recordings need dates of two days at least")
    first = dated[-max(1, round(fraction * len(dated)))] if fraction else "9"
    first = first if first > dated[0] else min(day for day in dated if day > dated[0])
    return {i for i, day in enumerate(days) if day >= first}


def group_keys(
    recordings: Sequence[RawRecording], reading: ValueReading, valid_by: str = "group"
) -> list[list[tuple]]:
    """For each recording, what it must not share with one of the other split.

    That is who recorded, where and on which day, as far as they are known: a place alone groups
    too. Where nobody says who recorded, a recorder did; if most of such recordings were made at
    night, a day is from noon to noon.
    """
    known = [_circumstances(r, reading) for r in recordings]
    unattended = [time for who, _, _, _, time in known if not who and time]
    by_night = 2 * sum(not "05" <= time < "20" for time in unattended) > len(unattended)
    result = []
    for recording, (who, where, at, day, time) in zip(recordings, known, strict=True):
        if by_night and not who and day and "00" <= time < "12":
            day = (date.fromisoformat(day) - timedelta(days=1)).isoformat()
        keys: list[tuple] = []
        if valid_by == "recordist" and who:
            keys.append(("recordist", who))
        if valid_by == "site" and where:
            keys.append(("site", where))
        if valid_by == "site" and at is not None:
            keys += [("site", *cell) for cell in cells(at)]
        if valid_by == "region" and at is not None:
            keys.append(("region", floor(at[0] / REGION), floor(at[1] / REGION)))
        if where and (who or at is None):
            keys.append((who, where, day))
        if at is not None:
            keys += [(who, *cell, day) for cell in cells(at)]
        if who and day and not keys:
            keys.append((who, day))
        if recording.media_id:
            keys.append(("id", recording.media_id))
        result.append(keys)
    return result


def cells(at: tuple[float, float]) -> list[tuple[int, int, int]]:
    """Cells of four grids that a place lies in: two places within TOLERANCE share one of them."""
    return [
        (grid, floor(at[0] / (2 * TOLERANCE) + north), floor(at[1] / (2 * TOLERANCE) + east))
        for grid, (north, east) in enumerate(((0, 0), (0, 0.5), (0.5, 0), (0.5, 0.5)))
    ]


def _circumstances(
    recording: RawRecording, reading: ValueReading
) -> tuple[str, str, tuple[float, float] | None, str, str]:
    """Who recorded, where by name and by coordinates, on which day, at what time."""
    values = {f: reading.value(f, text) for f, text in recording.fields.items() if text.strip()}
    latitude, longitude = values.get("latitude"), values.get("longitude")
    known = isinstance(latitude, float) and isinstance(longitude, float)
    if reading.by_column and not latitude and not longitude:
        known = False
    day = values.get("date") or ""
    return (
        _plain(recording.recordist),
        _plain(recording.place),
        (latitude, longitude) if known else None,  # type: ignore[return-value]
        "" if day == UNSET_DATE else str(day),
        str(values.get("time") or ""),
    )


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def places_in_train(recordings: Sequence[Recording]) -> float | None:
    """The share of validation recordings with a place whose place has training recordings too."""
    train = {
        cell
        for r in recordings
        if r.split == "train" and r.latitude is not None and r.longitude is not None
        for cell in cells((r.latitude, r.longitude))
    }
    valid = [
        (r.latitude, r.longitude)
        for r in recordings
        if r.split == "valid" and r.latitude is not None and r.longitude is not None
    ]
    if not valid:
        return None
    return sum(any(cell in train for cell in cells(at)) for at in valid) / len(valid)
