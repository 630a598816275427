"""A submission file, checked: every fault with its line, not only the first.

What the organisers' programs of 2018 refuse is a fault here as well (`read_submission`). They take
files that leave out recordings or windows, or whose probabilities rise with the rank: `check` finds
those faults too, for files that are to be handed in.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from birdml.submission.files import MOST_CLASSES
from birdml.submission.lines import Fault, Item, Submission, item_name, merged, read_lines


def read_submission(
    path: str | Path,
    task: str,
    media_ids: Collection[str] | None = None,
    classes: Collection[str] | None = None,
) -> tuple[Submission, list[Fault]]:
    """Reads a submission file, and finds all that the organisers refuse.

    Args:
        path: the file.
        task: `mono` or `soundscape`.
        media_ids: the recordings of the test set; None where they are not known.
        classes: the class ids of the label set; None where they are not known.

    Returns:
        the lines that can be read, and the faults in order of lines; no faults means that the
        organisers would take the file.

    Raises:
        UserError: where there is no such file.
    """
    known_media = None if media_ids is None else frozenset(media_ids)
    known_classes = None if classes is None else frozenset(classes)
    reading = read_lines(Path(path), task, known_media, known_classes)
    submission = reading.submission
    faults = reading.faults + _repeated(submission)
    if task == "mono":
        faults += _broken_ranks(submission, reading.unreadable, known_media)
    else:
        faults += _too_many(submission)
    return submission, merged(faults)


def _repeated(submission: Submission) -> list[tuple[int, str]]:
    """Classes that stand twice in one item, at the later line."""
    keys = submission.item.astype(np.int64) * max(1, len(submission.classes)) + submission.label
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    return [
        (
            int(submission.line[order[at + 1]]),
            f"class '{submission.classes[submission.label[order[at]]]}' stands again for "
            f"{submission.name(submission.item[order[at]])} (before: line "
            f"{submission.line[order[at]]})",
        )
        for at in again
    ]


def _broken_ranks(
    submission: Submission, unreadable: dict[str, int], known_media: Collection[str] | None
) -> list[tuple[int, str]]:
    """Ranks of a recording that are doubled, or do not go on by one from 1.

    A recording with lines that could not be read may lack as many ranks: the lines are told.
    """
    order = np.lexsort((submission.line, submission.rank, submission.item))
    order = order[submission.rank[order] > 0]
    item, rank = submission.item[order], submission.rank[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = item[1:] != item[:-1]
    before = np.where(first, 0, np.concatenate(([0], rank[:-1])))
    faults = []
    for at in np.flatnonzero(rank != before + 1):
        media = submission.items[item[at]][0]
        if known_media is not None and media not in known_media:
            continue  # an id mistyped in one line: its rank belongs elsewhere
        line, last = int(submission.line[order[at]]), int(before[at])
        if rank[at] == last:
            faults.append((line, f"rank {last} stands twice for recording {media}"))
        elif unreadable.get(media, 0) >= rank[at] - last - 1:
            unreadable[media] -= rank[at] - last - 1
        else:
            what = f"follows {last}" if last else "is the first"
            faults.append(
                (line, f"ranks must be consecutive from 1: {rank[at]} {what} for recording {media}")
            )
    return faults


def _too_many(submission: Submission) -> list[tuple[int, str]]:
    """Lines of a window beyond the number that is allowed."""
    order = np.argsort(submission.item, kind="stable")
    item = submission.item[order]
    position = np.arange(len(item)) - np.searchsorted(item, item)
    return [
        (
            int(submission.line[order[at]]),
            f"more than {MOST_CLASSES} classes for {submission.name(item[at])}",
        )
        for at in np.flatnonzero(position >= MOST_CLASSES)
    ]


def left_out(submission: Submission, expected: Collection[Item]) -> list[Item]:
    """The expected recordings or windows that no line of the file is about, in their order."""
    found = set(submission.items)
    return [item for item in expected if item not in found]


def rising(submission: Submission) -> list[tuple[int, str]]:
    """Lines whose probability is larger than that of the rank (or line) before, by item."""
    order = np.lexsort((submission.line, submission.rank, submission.item))
    usable = (submission.probability >= 0) & (submission.probability <= 1)
    if submission.task == "mono":
        usable &= submission.rank > 0
    order = order[usable[order]]  # what is no number was told already
    item, probability = submission.item[order], submission.probability[order]
    found = np.flatnonzero((item[1:] == item[:-1]) & (probability[1:] > probability[:-1])) + 1
    return [
        (
            int(submission.line[order[at]]),
            f"probability {probability[at]:.10g} is larger than the one before it for "
            f"{submission.name(item[at])}",
        )
        for at in found
    ]


def check(
    path: str | Path, task: str, items: Sequence[Item], classes: Sequence[str], lines_per_item: int
) -> list[Fault]:
    """All faults of a file that is to be handed in; none means that it is good.

    Beyond what the organisers refuse: every item must be there, with the same number of lines,
    and probabilities that never rise.

    Args:
        path: the file.
        task: `mono` or `soundscape`.
        items: every recording or window that must be there.
        classes: class ids of the label set.
        lines_per_item: so many classes each item must have.

    Raises:
        UserError: where there is no such file.
    """
    media_ids = {media for media, _ in items}
    submission, faults = read_submission(path, task, media_ids, classes)
    more = rising(submission)
    more += [(0, f"{item_name(task, item)} is missing") for item in left_out(submission, items)]
    wanted = set(items)
    more += [
        (0, f"{item_name(task, item)} lies beyond the end of the recording")
        for item in submission.items
        if item not in wanted and item[0] in media_ids
    ]
    counts = np.bincount(submission.item, minlength=len(submission.items))
    more += [
        (0, f"{submission.name(index)} has {counts[index]} lines instead of {lines_per_item}")
        for index in np.flatnonzero(counts != lines_per_item).tolist()
    ]
    return sorted(faults + merged(more), key=Fault.place)
