"""What is right: the ground truth of monophone recordings and of soundscapes.

The organisers' formats, without header. Monophone: `media id;foreground class;background classes`
with commas between the latter. Soundscape: `media id;class;hh:mm:ss-hh:mm:ss`, an annotation of
any length.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from birdml.dataset.prepared import Dataset
from birdml.errors import UserError
from birdml.submission.files import WINDOW, media_ids
from birdml.submission.lines import Item, merged, opened, shortened

# left out by the organisers in 2018: recordings, and annotations known to be wrong
LEFT_OUT_RECORDINGS = frozenset({"8794", "28335"})
LEFT_OUT_ANNOTATIONS = frozenset(
    {
        ("49887", "00:02:15-00:07:38"),
        ("49899", "00:02:48-00:15:58"),
        ("49893", "00:01:12-00:11:30"),
        ("49869", "00:05:47-00:16:06"),
        ("49878", "00:00:55-00:15:10"),
    }
)

TIME = r"\s*(\d{1,4}):([0-5]?\d):([0-5]?\d)\s*"
LONGEST = 24 * 3600  # seconds: what ends later is a slip of the pen
SHOWN = 20  # faults that a message names
HEADINGS = frozenset(  # what a first line of names says, in lower case
    (
        *("media id", "media_id", "mediaid", "id", "file", "filename", "recording"),
        *("class", "class id", "class_id", "classid", "species", "label", "foreground"),
    )
)


@dataclass(frozen=True)
class MonophoneTruth:
    """Media id -> foreground class, and -> background classes."""

    foreground: dict[str, str]
    background: dict[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()  # media ids that are known but not scored

    @property
    def media_ids(self) -> frozenset[str]:
        return frozenset(self.foreground) | frozenset(self.left_out)


@dataclass(frozen=True)
class SoundscapeTruth:
    """5 s window -> classes that were annotated in it; a window without any is not listed."""

    windows: dict[Item, frozenset[str]]
    media_ids: frozenset[str]
    left_out: tuple[str, ...] = ()  # annotations that are not scored


def _interval(text: str) -> tuple[int, int] | str:
    """First and last second of `hh:mm:ss-hh:mm:ss`, or what is wrong with it."""
    codes = [re.fullmatch(TIME, code, re.ASCII) for code in text.split("-")]
    if len(codes) != 2 or not all(codes):
        return "not 'media id;class;hh:mm:ss-hh:mm:ss'"
    start, stop = (int(c[1]) * 3600 + int(c[2]) * 60 + int(c[3]) for c in codes if c)
    if stop < start:
        return f"'{text.strip()}' ends before it begins"
    if stop > LONGEST:
        return f"'{text.strip()}' ends after {LONGEST // 3600} hours; no recording lasts so long"
    return start, stop


def windows_of(start: int, stop: int) -> range:
    """First seconds of the windows that an annotation counts for: all that it overlaps."""
    return range(start // WINDOW * WINDOW, stop, WINDOW)


def read_truth(
    path: str | Path, classes: Collection[str] | None = None
) -> MonophoneTruth | SoundscapeTruth:
    """Reads a file of ground truth in either of the organisers' formats.

    Args:
        path: the file.
        classes: the label set, where it is known: no other class can be the right one. Background
            classes outside it are kept: the organisers have such, and do not count them.

    Raises:
        UserError: where there is no such file, or lines are faulty; the first 20 are named.
    """
    path = Path(path)
    with opened(path) as file:
        rows = [line.rstrip("\r\n").split(";", 3) for line in file]
    if not rows:
        raise UserError(f"the truth in '{path}' is empty")
    timed = sum(len(row) == 3 and re.match(TIME, row[2], re.ASCII) is not None for row in rows)
    truth: MonophoneTruth | SoundscapeTruth
    if 2 * timed > len(rows):
        truth, faults = _soundscape(rows, classes)
    else:
        truth, faults = _monophone(rows, classes)
    if faults:
        found = merged(faults)
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        listed = "; ".join(str(fault) for fault in found[:SHOWN])
        raise UserError(f"'{path}' is no truth in the organisers' formats: {listed}{more}")
    if not (truth.foreground if isinstance(truth, MonophoneTruth) else truth.windows):
        raise UserError(f"the truth in '{path}' leaves nothing to score")
    return truth


def _fault(
    number: int, media: str, species: Sequence[str], classes: Collection[str] | None
) -> str | None:
    """What is wrong with the names of a line; the first species must be one of the classes."""
    if number == 1 and (media.lower() in HEADINGS or species[0].lower() in HEADINGS):
        return "a heading; these files have none: delete the line"
    for what, name in (("media id", media), *(("class id", name) for name in species)):
        if not name:
            return f"the {what} is empty"
        if not name.isprintable() or "\ufffd" in name:
            return f"{what} {shortened(name)!a} is not text in UTF-8"
        if what == "class id" and re.search(r"\s", name):
            return f"class id '{shortened(name)}' holds a blank; commas part background classes"
    if classes is not None and species[0] not in classes:
        return f"class id '{shortened(species[0])}' is none of the label set"
    return None


def _monophone(
    rows: list[list[str]], classes: Collection[str] | None
) -> tuple[MonophoneTruth, list[tuple[int, str]]]:
    foreground: dict[str, str] = {}
    background: dict[str, tuple[str, ...]] = {}
    faults = []
    unknown: list[int] = []
    known = 0
    for number, row in enumerate(rows, start=1):
        if len(row) != 3:
            faults.append((number, "not 'media id;foreground class;background classes'"))
            continue
        media, species, listed = (field.strip() for field in row)
        others = tuple(other.strip() for other in listed.split(",")) if listed else ()
        fault = _fault(number, media, (species, *others), classes)
        if fault:
            faults.append((number, fault))
        elif media in foreground:
            faults.append((number, f"recording {shortened(media)} stands twice"))
        if classes is not None and others:
            inside = sum(other in classes for other in others)
            known += inside
            unknown += [number] * (not inside)
        foreground[media] = species
        background[media] = others
    if unknown and not known:
        what = "none of the background classes in this file is one of the label set"
        faults += [(number, what) for number in unknown]
    left_out = tuple(media for media in foreground if media in LEFT_OUT_RECORDINGS)
    for media in left_out:
        del foreground[media], background[media]
    return MonophoneTruth(foreground, background, left_out), faults


def _soundscape(
    rows: list[list[str]], classes: Collection[str] | None
) -> tuple[SoundscapeTruth, list[tuple[int, str]]]:
    windows: dict[Item, set[str]] = {}
    media_ids = set()
    left_out = []
    faults = []
    for number, row in enumerate(rows, start=1):
        interval = _interval(row[2]) if len(row) == 3 else "not 'media id;class;hh:mm:ss-hh:mm:ss'"
        if isinstance(interval, str):
            faults.append((number, interval))
            continue
        media, species, text = (field.strip() for field in row)
        fault = _fault(number, media, (species,), classes)
        if fault:
            faults.append((number, fault))
            continue
        media_ids.add(media)
        if (media, text) in LEFT_OUT_ANNOTATIONS:
            left_out.append(f"{media} {text}")
            continue
        for start in windows_of(*interval):
            windows.setdefault((media, start), set()).add(species)
    truth = {item: frozenset(species) for item, species in windows.items()}
    return SoundscapeTruth(truth, frozenset(media_ids), tuple(left_out)), faults


def dataset_truth(dataset: Dataset, split: str = "valid") -> MonophoneTruth:
    """The truth of one split of a prepared dataset whose species are known.

    Raises:
        UserError: where the split has no recording with a species, or recordings share a media id.
    """
    recordings = [r for r in dataset.split(split) if r.species]
    if not recordings:
        raise UserError(
            f"the dataset at '{dataset.folder}' knows no species of its split {split}; name a file "
            "of ground truth in the organisers' format with -P truth=FILE"
        )
    ids = media_ids(recordings)
    return MonophoneTruth(
        {ids[r.file]: r.species for r in recordings},
        {ids[r.file]: r.background for r in recordings},
    )
