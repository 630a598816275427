"""Truth and detections brought together: the same recordings, the same species, the same seconds.

Nothing is dropped in silence: what has no counterpart is in the notes, with counts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from birdml.annotations.marks import LATEST, Marks, Names
from birdml.annotations.names import NOTHING, UNMATCHED, LabelSet
from birdml.annotations.recordings import match, same
from birdml.dataset.problems import shortened
from birdml.dataset.recording import Species
from birdml.errors import UserError

SHOWN = 8  # names that a note shows
CLOSE = 0.05  # seconds behind the end that come from rounding


@dataclass(frozen=True)
class Pair:
    """Both sides, their `file` and `species` pointing into the same recordings and labels."""

    files: tuple[str, ...]  # N, as the truth calls them
    called: tuple[str, ...]  # C, class ids or what the truth calls them
    shown: tuple[str, ...]  # C, Latin names where they are known
    seconds: np.ndarray  # how long each recording is, float64 [N]
    truth: Marks
    detections: Marks
    notes: tuple[str, ...]


def paired(
    truth: Marks,
    detections: Marks,
    species: Sequence[Species] = (),
    mapping: Mapping[str, str] | None = None,
    seconds: Mapping[str, float] | None = None,
    beside: Sequence[Sequence[Names]] = (),
) -> Pair:
    """Brings both sides together.

    Args:
        truth, detections: as they were read.
        species: the label set; without one, the species of both sides.
        mapping: names of tables -> names of the label set (`names.read_mapping`).
        seconds: lengths of recordings; of others the last mark of either side is the end.
        beside: names in other tables, which may tell what belongs together.

    Raises:
        UserError: where the sides share no recording or no species; it shows how both look.
    """
    notes: list[str] = []
    truth, detections = _one_name_each(truth), _one_name_each(detections)
    _check_any(truth, detections)
    detections = _in_files_of(truth, detections, notes)
    labels = LabelSet(species, [truth.names, detections.names, *beside], mapping)
    sides = []
    for side, marks in (("truth", truth), ("detections", detections)):
        sides.append(_labelled(marks, labels, side, notes))
    _check_shared(truth, detections, *sides)
    if not labels.closed:
        _note_never_marked(labels, sides[0], sides[1], notes)
    known = _lengths(truth.files, seconds or {}, notes)
    sides = [
        _once(_within(marks, known, side, notes), labels.called, side, notes)
        for side, marks in zip(("truth", "detections"), sides, strict=True)
    ]
    last = np.zeros(len(truth.files))
    for marks in sides:
        np.maximum.at(last, marks.file, marks.end)
    return Pair(
        truth.files,
        tuple(labels.called),
        tuple(labels.shown),
        np.where(np.isnan(known), last, known),
        sides[0],
        sides[1],
        tuple(notes),
    )


def listed(counts: Mapping[str, int]) -> str:
    """Names with counts, the most first; of many only some."""
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{shortened(name)} ({count})" for name, count in order[:SHOWN])
    return shown + (f", and {len(order) - SHOWN} more" if len(order) > SHOWN else "")


def _one_name_each(marks: Marks) -> Marks:
    """Recordings that the tables of one side call differently become one."""
    places = same(marks.files)
    kept = sorted(set(places))
    new = {old: place for place, old in enumerate(kept)}
    index = np.array([new[place] for place in places], np.int32)
    return replace(marks, files=tuple(marks.files[p] for p in kept), file=index[marks.file])


def _check_any(truth: Marks, detections: Marks) -> None:
    for side, marks in (("truth", truth), ("detections", detections)):
        if not len(marks):
            raise UserError(f"the {side} hold no marks ({len(marks.files)} recordings)")


def _in_files_of(truth: Marks, detections: Marks, notes: list[str]) -> Marks:
    """Detections whose `file` points into the recordings of the truth."""
    places, several = match(detections.files, truth.files)
    index = np.array(places, np.int32)
    if (index < 0).all():
        raise UserError(
            "none of the recordings of the detections are in the truth: detections are about "
            f"{_some(detections.files)}; the truth about {_some(truth.files)}"
        )
    counts = np.bincount(detections.file, minlength=len(detections.files))
    others = {
        name: int(counts[place])
        for place, name in enumerate(detections.files)
        if index[place] < 0 and name not in several
    }
    if others:
        notes.append(
            f"{len(others)} recordings of the detections are not in the truth and not counted "
            f"(detections in brackets): {listed(others)}"
        )
    for name, fits in several.items():
        notes.append(
            f"detections in '{name}' are not counted: it may be any of {_some(fits)}; write its "
            "folder before the name"
        )
    heard = set(index.tolist())
    silent = {
        name: int(count)
        for place, (name, count) in enumerate(
            zip(truth.files, np.bincount(truth.file, minlength=len(truth.files)))
        )
        if place not in heard
    }
    if silent:
        notes.append(
            f"{len(silent)} recordings of the truth have no detections, and count as such "
            f"(marks in brackets): {listed(silent)}"
        )
    moved = index[detections.file]
    return replace(detections, files=truth.files, file=moved).where(moved >= 0)


def _labelled(marks: Marks, labels: LabelSet, side: str, notes: list[str]) -> Marks:
    """Marks whose `species` are labels; the others are noted."""
    of_name = labels.array(marks.names, grow=True)
    label = of_name[marks.species] if len(marks) else np.zeros(0, np.int32)
    counts = np.bincount(marks.species, minlength=len(marks.names))
    for value, what in (
        (UNMATCHED, "no species that the label set knows, and are not counted"),
        (NOTHING, "nothing, or what the mapping leaves out, and are not counted"),
    ):
        names = Counter[str]()
        for place in np.flatnonzero(of_name == value):
            if counts[place]:
                names[_written(marks.names[place])] += int(counts[place])
        if names:
            notes.append(f"{sum(names.values())} marks of the {side} name {what}: {listed(names)}")
    return replace(marks, species=label).where(label >= 0)


def _check_shared(truth: Marks, detections: Marks, marked: Marks, detected: Marks) -> None:
    if np.intersect1d(marked.species, detected.species).size:
        return
    raise UserError(
        "truth and detections share no species: the detections name "
        f"{_some([_written(n) for n in detections.names])}; the truth "
        f"{_some([_written(n) for n in truth.names])}; tell which is which with -P names=FILE"
    )


def _note_never_marked(labels: LabelSet, truth: Marks, found: Marks, notes: list[str]) -> None:
    never = np.setdiff1d(found.species, truth.species)
    if len(never):
        counts = np.bincount(found.species, minlength=len(labels.called))
        notes.append(
            f"{len(never)} detected species are never marked; their detections count as false "
            "(name a label set with -P classes=, or other names with -P names=): "
            f"{listed({labels.called[label]: int(counts[label]) for label in never})}"
        )


def _lengths(files: Sequence[str], seconds: Mapping[str, float], notes: list[str]) -> np.ndarray:
    """How long each recording is, NaN where that is not known."""
    places, _ = match(files, list(seconds))
    values = list(seconds.values())
    lengths = np.array([values[p] if p >= 0 else np.nan for p in places])
    unknown = int(np.isnan(lengths).sum())
    if not seconds:
        notes.append(
            "how long the recordings are is not known: each ends with its last mark or detection "
            "(name their folder with -P audio=)"
        )
    elif unknown:
        some = [name for name, value in zip(files, lengths) if np.isnan(value)]
        notes.append(
            f"{unknown} recordings of the truth are not there, so each ends with its last mark or "
            f"detection: {_some(some)}"
        )
    return lengths


def _within(marks: Marks, seconds: np.ndarray, side: str, notes: list[str]) -> Marks:
    """Marks cut at the end of the recording; those that begin behind it are left out."""
    end = np.nan_to_num(seconds, nan=np.inf)[marks.file]
    for chosen, what in (
        (marks.start >= end, "begin behind the end of the recording and are left out"),
        ((marks.start < end) & (marks.end > end + CLOSE), "are cut at the end of the recording"),
    ):
        if chosen.any():
            counts = Counter(marks.files[file] for file in marks.file[chosen].tolist())
            notes.append(f"{int(chosen.sum())} marks of the {side} {what}: {listed(counts)}")
    if (marks.end > end).any():
        marks = replace(marks, end=np.minimum(marks.end, end))
    return marks.where(marks.start < end)


def _once(marks: Marks, labels: Sequence[str], side: str, notes: list[str]) -> Marks:
    """Each mark once: of the same recording, species and times (to 1 ms) the surest stays."""
    # two numbers tell a mark apart, and sort in half the memory of four
    what = marks.file.astype(np.int64) * len(labels) + marks.species
    start, end = (np.round(t * 1000).astype(np.int64) for t in (marks.start, marks.end))
    when = start * (1000 * LATEST + 1) + end
    del start, end
    order = np.lexsort((-np.nan_to_num(marks.score, nan=-np.inf), when, what))
    new = np.ones(len(order), bool)
    what, when = what[order], when[order]
    new[1:] = (what[1:] != what[:-1]) | (when[1:] != when[:-1])
    doubles = int((~new).sum())
    if doubles:
        notes.append(f"{doubles} marks of the {side} stand twice and count once")
    return marks.where(order[new])


def _written(names: Names) -> str:
    return " / ".join(names) or "(empty)"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{shortened(name)}'" for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
