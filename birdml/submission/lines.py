"""The lines of a submission file, read one by one; what is wrong in each is told, not thrown.

Shapes: L lines.
"""

import math
import re
import sys
from array import array
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from birdml.errors import UserError
from birdml.submission.files import MOST_CLASSES, WINDOW, window_code

FORMATS = {
    "mono": "media id;class id;probability;rank",
    "soundscape": "media id;hh:mm:ss-hh:mm:ss;class id;probability",
}
QUOTED = 60  # characters of a field that a message quotes
RUN = 10  # lines in a row with the same fault that are told as one
Item = tuple[str, int]  # media id and first second of the window (0 for a whole recording)


@dataclass(frozen=True)
class Fault:
    """What is wrong in lines `first` to `last`; `first` is 0 where it is about the whole file."""

    first: int
    last: int
    text: str

    def place(self) -> tuple[int, int]:
        """To sort by: faults of the whole file come last."""
        return (self.first or sys.maxsize, self.last)

    def __str__(self) -> str:
        if not self.first:
            return self.text
        lines = (
            f"line {self.first}" if self.first == self.last else f"lines {self.first}-{self.last}"
        )
        return f"{lines}: {self.text}"


@dataclass(frozen=True)
class Submission:
    """The readable lines of a submission file, in their order.

    `item` and `label` are indices into `items` and `classes`, the names in the file; `rank` is 0
    in soundscape files, which have none.
    """

    task: str
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    item: np.ndarray  # int32 [L]
    label: np.ndarray  # int32 [L]
    probability: np.ndarray  # float64 [L]
    rank: np.ndarray  # int32 [L]
    line: np.ndarray  # int32 [L]

    def name(self, item: int) -> str:
        return item_name(self.task, self.items[item])


def item_name(task: str, item: Item) -> str:
    """An item as it is called in messages."""
    media, start = shortened(item[0]), item[1]
    return f"recording {media}" if task == "mono" else f"window {media} {window_code(start)}"


def detect_task(path: Path) -> str:
    """`mono` or `soundscape`: which of the two formats the first lines look like most."""
    votes = {"mono": 0, "soundscape": 0}
    with opened(path) as file:
        for _, line in zip(range(1000), file):
            fields = re.split("[;,\t]", line.strip())
            if len(fields) > 1 and re.search(r"\d:\d", fields[1]):
                votes["soundscape"] += 1
            elif len(fields) > 3:
                votes["mono"] += 1
    if votes["mono"] == votes["soundscape"]:
        raise UserError(
            f"'{path}' looks like neither kind of submission; lines are '{FORMATS['mono']}' or "
            f"'{FORMATS['soundscape']}'; name the kind with task=mono or task=soundscape"
        )
    return max(votes, key=lambda task: votes[task])


def shortened(text: str) -> str:
    """Text of a file as a message quotes it: a line of 70 000 characters helps nobody."""
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}... ({len(text)} characters)"


def opened(path: Path):
    if not path.is_file():
        raise UserError(f"no file '{path}'")
    return open(path, encoding="utf-8-sig", errors="replace", newline="\n")


def _window_start(text: str) -> int | str:
    """First second of a window such as `00:00:05-00:00:10`, or what is wrong with it."""
    codes = text.split("-")
    if len(codes) != 2:
        return f"'{shortened(text)}' is not two times with '-' between, as in 00:00:05-00:00:10"
    seconds = []
    for code in codes:
        parts = re.fullmatch(r"\s*(\d{1,4}):(\d\d?):(\d\d?)\s*", code, re.ASCII)
        if not parts or int(parts[2]) > 59 or int(parts[3]) > 59:
            return f"'{shortened(code)}' is no time of the form hh:mm:ss"
        seconds.append(int(parts[1]) * 3600 + int(parts[2]) * 60 + int(parts[3]))
    start, stop = seconds
    if start % WINDOW or stop % WINDOW:
        return f"'{shortened(text)}' is off the grid of {WINDOW} seconds"
    if stop - start != WINDOW:
        return f"'{shortened(text)}' lasts {stop - start} seconds instead of {WINDOW}"
    return start


def merged(faults: Collection[tuple[int, str]]) -> list[Fault]:
    """Faults in order of lines; the same words in a long run of lines are said once."""
    lines_of: dict[str, list[int]] = {}
    for line, text in faults:
        lines_of.setdefault(text, []).append(line)
    found = []
    for text, lines in lines_of.items():
        lines.sort()
        begins = [i for i, line in enumerate(lines) if not i or line > lines[i - 1] + 1]
        for begin, end in zip(begins, begins[1:] + [len(lines)]):
            if end - begin >= RUN:
                found.append(Fault(lines[begin], lines[end - 1], text))
            else:
                found += [Fault(line, line, text) for line in lines[begin:end]]
    return sorted(found, key=Fault.place)


class _Remembered(dict):
    """What a function says of a text, asked once for each text."""

    def __init__(self, function: Callable[[str], Any]):
        self.function = function

    def __missing__(self, text: str) -> Any:
        self[text] = self.function(text)
        return self[text]


@dataclass
class LineReading:
    """What comes of reading a file line by line."""

    submission: Submission
    faults: list[tuple[int, str]]  # line, what is wrong in it
    unreadable: dict[str, int]  # media id -> lines whose rank could not be read


def read_lines(
    path: Path, task: str, media_ids: Collection[str] | None, classes: Collection[str] | None
) -> LineReading:
    """Reads all lines; what each is to be checked against may be None where it is not known.

    Raises:
        UserError: where there is no such file.
    """
    mono = task == "mono"
    faults: list[tuple[int, str]] = []
    unreadable: dict[str, int] = {}
    items: dict[Item, int] = {}
    labels: dict[str, int] = {}
    starts = _Remembered(_window_start)
    ranks = _Remembered(_rank)
    item, label, rank, lines = (array("i") for _ in range(4))
    probability = array("d")
    number, start, place = 0, 0, 0
    with opened(path) as file:
        for number, line in enumerate(file, start=1):  # a million times: no calls in a good line
            fields = line.rstrip("\r\n").split(";")
            if len(fields) != 4:
                count = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
                faults.append((number, f"{count} instead of 4: {FORMATS[task]}"))
                media = re.split("[;,\t ]", line.strip())[0]
                unreadable[media] = unreadable.get(media, 0) + 1
                continue
            if mono:
                media, class_id, value, place_text = fields
                place = ranks[place_text]
                if not place:
                    quoted = shortened(place_text)
                    what = f"rank '{quoted}' is no whole number from 1 to {MOST_CLASSES}"
                    faults.append((number, what))
                    unreadable[media] = unreadable.get(media, 0) + 1
            else:
                media, window, class_id, value = fields
                start = starts[window]
            if media_ids is not None and media not in media_ids:
                faults.append((number, f"media id '{shortened(media)}' is none of the test set"))
            if classes is not None and class_id not in classes:
                faults.append(
                    (number, f"class id '{shortened(class_id)}' is none of the label set")
                )
            try:
                likelihood = float(value)
            except ValueError:
                likelihood = math.nan
            if not 0 <= likelihood <= 1:
                faults.append((number, f"'{shortened(value)}' is no probability between 0 and 1"))
            if isinstance(start, str):
                faults.append((number, start))
                continue
            item.append(items.setdefault((media, start), len(items)))
            label.append(labels.setdefault(class_id, len(labels)))
            probability.append(likelihood)
            rank.append(place)
            lines.append(number)
    if not number:
        faults.append((0, "the file is empty"))
    submission = Submission(
        task,
        tuple(items),
        tuple(labels),
        np.array(item, dtype=np.int32),
        np.array(label, dtype=np.int32),
        np.array(probability, dtype=np.float64),
        np.array(rank, dtype=np.int32),
        np.array(lines, dtype=np.int32),
    )
    return LineReading(submission, faults, unreadable)


def _rank(text: str) -> int:
    """A rank, or 0 where it is none."""
    try:
        rank = int(text)
    except ValueError:
        return 0
    return rank if 1 <= rank <= MOST_CLASSES else 0
