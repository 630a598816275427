"""What is right: the ground truth of monophone recordings and of soundscapes.

The organisers' formats, without header. Monophone: `media id;foreground class;background classes`
with commas between the latter. Soundscape: `media id;class;hh:mm:ss-hh:mm:ss`, an annotation of
any length.
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from birdml.dataset.prepared import Dataset
from birdml.errors import UserError
from birdml.submission.files import WINDOW, media_id
from birdml.submission.lines import Item, merged, opened

HEADINGS = frozenset(
    "mediaid media foreground foregroundclass background class classid species recording "
    "recordingid".split()
)
SHOWN = 20  # faults in one message
LONGEST_SOUNDSCAPE = 7 * 24 * 3600  # seconds; a week in one file
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


def _seconds(code: str) -> int | None:
    parts = re.fullmatch(r"\s*(\d{1,9}):([0-5]?\d):([0-5]?\d)\s*", code, re.ASCII)
    return int(parts[1]) * 3600 + int(parts[2]) * 60 + int(parts[3]) if parts else None


def windows_of(start: int, stop: int) -> range:
    """First seconds of the windows that an annotation counts for: all that it overlaps."""
    return range(start // WINDOW * WINDOW, stop, WINDOW)


def read_truth(
    path: str | Path, classes: frozenset[str] | None = None
) -> MonophoneTruth | SoundscapeTruth:
    """Reads a file of ground truth in either of the organisers' formats.

    Args:
        path: the file.
        classes: the label set, which every class must be of; None where it is not known.

    Raises:
        UserError: where there is no such file, or a line is of neither format, ends before it
            begins, or names a class that is unknown; the lines are named.
    """
    path = Path(path)
    with opened(path) as file:
        rows = [line.rstrip("\r\n").split(";") for line in file]
    if not rows:
        raise UserError(f"the truth in '{path}' is empty")
    timed = sum(len(row) == 3 and _seconds(row[2].split("-")[0]) is not None for row in rows)
    truth: MonophoneTruth | SoundscapeTruth
    truth, faults = (_soundscape if 2 * timed > len(rows) else _monophone)(rows, classes)
    if faults:
        shown = [str(fault) for fault in merged(faults)]
        more = [f"and {len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
        listed = "; ".join(shown[:SHOWN] + more)
        raise UserError(f"'{path}' is no truth in the organisers' formats: {listed}")
    if not (truth.foreground if isinstance(truth, MonophoneTruth) else truth.windows):
        raise UserError(f"the truth in '{path}' leaves nothing to score")
    return truth


def _monophone(
    rows: list[list[str]], classes: frozenset[str] | None
) -> tuple[MonophoneTruth, list[tuple[int, str]]]:
    foreground: dict[str, str] = {}
    background: dict[str, tuple[str, ...]] = {}
    faults = []
    for number, row in enumerate(rows, start=1):
        if len(row) != 3:
            faults.append((number, "not 'media id;foreground class;background classes'"))
            continue
        media, species, others = row
        species_named = [species, *(other.strip() for other in others.split(",") if other.strip())]
        if any(is_heading(word) for word in (media, species)):
            faults.append((number, "a heading: the format has none"))
            continue
        if what := _unfit(media, species_named, classes):
            faults.append((number, what))
            continue
        if media in foreground:
            faults.append((number, f"recording {media} stands twice"))
        foreground[media] = species
        background[media] = tuple(other.strip() for other in others.split(",") if other.strip())
    left_out = tuple(media for media in foreground if media in LEFT_OUT_RECORDINGS)
    for media in left_out:
        del foreground[media], background[media]
    return MonophoneTruth(foreground, background, left_out), faults


def _soundscape(
    rows: list[list[str]], classes: frozenset[str] | None
) -> tuple[SoundscapeTruth, list[tuple[int, str]]]:
    windows: dict[Item, set[str]] = {}
    media_ids = set()
    left_out = []
    faults = []
    for number, row in enumerate(rows, start=1):
        times = [_seconds(code) for code in row[2].split("-")] if len(row) == 3 else []
        if len(times) != 2 or times[0] is None or times[1] is None:
            faults.append((number, "not 'media id;class;hh:mm:ss-hh:mm:ss'"))
            continue
        media, species, interval = row[0], row[1], row[2].strip()
        if what := _unfit(media, [species], classes):
            faults.append((number, what))
            continue
        if not times[0] <= times[1] <= LONGEST_SOUNDSCAPE:
            what = "ends before it begins" if times[1] < times[0] else "lasts for days"
            faults.append((number, f"the interval {interval[:40]} {what}"))
            continue
        media_ids.add(media)
        if (media, interval) in LEFT_OUT_ANNOTATIONS:
            left_out.append(f"{media} {interval}")
            continue
        for start in windows_of(times[0], times[1]):
            windows.setdefault((media, start), set()).add(species)
    truth = {item: frozenset(species) for item, species in windows.items()}
    return SoundscapeTruth(truth, frozenset(media_ids), tuple(left_out)), faults


def is_heading(word: str) -> bool:
    """Whether a word is the heading of a column, and no value."""
    folded = re.sub(r"[\W_]", "", word.casefold())
    return folded in HEADINGS


def _unfit(media: str, species: list[str], classes: frozenset[str] | None) -> str:
    """What is wrong with the names of a line; '' where they can be names."""
    if not media or media != media.strip():
        return "a media id that is empty or stands between blanks"
    for name in species:
        if not name or re.search(r"\s", name):
            return f"the class {name[:40]!r} is empty or holds blanks"
        if classes is not None and name not in classes:
            return f"the class {name[:40]!r} is not of the label set"
    return ""


def dataset_truth(dataset: Dataset, split: str = "valid") -> MonophoneTruth:
    """The truth of one split of a prepared dataset whose species are known.

    Raises:
        UserError: where the split has no recording with a species.
    """
    recordings = [r for r in dataset.split(split) if r.species]
    if not recordings:
        raise UserError(
            f"the dataset at '{dataset.folder}' knows no species of its split {split}; name a file "
            "of ground truth in the organisers' format with -P truth=FILE"
        )
    ids = Counter(media_id(r) for r in recordings)
    shared = sorted(media for media, count in ids.items() if count > 1)
    if shared:
        raise UserError(
            f"the dataset at '{dataset.folder}' has several recordings of the media id "
            f"{', '.join(shared[:5])} in its split {split}: they can't be told apart"
        )
    return MonophoneTruth(
        {media_id(r): r.species for r in recordings},
        {media_id(r): r.background for r in recordings},
    )
