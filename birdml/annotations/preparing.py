"""Annotation tables given to the recordings of a source, on their way to a prepared dataset.

A recording that a table is about is annotated through. What has no counterpart (tables, marks,
names) is listed in `problems`; nothing is dropped in silence.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from birdml.annotations.marks import Marks
from birdml.annotations.names import UNMATCHED, LabelSet
from birdml.annotations.pairing import CLOSE
from birdml.annotations.reading import read_marks
from birdml.annotations.recordings import match
from birdml.dataset.annotated import Annotations, annotations
from birdml.dataset.labels import class_id_of, without_blanks
from birdml.dataset.problems import Problem, shortened
from birdml.dataset.raw import FOR_TRAINING, RawRecording
from birdml.dataset.recording import SAMPLE_RATE, Recording, Species
from birdml.errors import UserError

SHOWN = 5  # names that an error shows
FIELD = "annotations"  # of rows of problems.csv


@dataclass(frozen=True)
class Given:
    """Marks of a source: `marks.files` are names of its recordings, `marks.species` point into
    `species`. `told` counts all marks of each recording, those of unknown species too."""

    marks: Marks
    species: tuple[Species, ...]
    told: Mapping[str, int]

    @property
    def fingerprint(self) -> str:
        """Of everything in it."""
        digest = hashlib.sha256(repr((self.marks.files, self.species)).encode())
        m = self.marks
        for column in (m.file, m.species, m.start, m.end, m.low, m.high):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def seconds(self) -> dict[str, dict[str, float]]:
        """Recording -> class id -> seconds marked, the most first; of equal ones by name."""
        m = self.marks
        sums: dict[str, Counter[str]] = {name: Counter() for name in m.files}
        for file, species, start, end in zip(
            m.file.tolist(), m.species.tolist(), m.start.tolist(), m.end.tolist()
        ):
            sums[m.files[file]][self.species[species].class_id] += end - start  # type: ignore
        return {
            name: dict(sorted(own.items(), key=lambda item: (-item[1], item[0])))
            for name, own in sums.items()
        }


def given(
    path: Path,
    recordings: Sequence[RawRecording],
    mapping: Mapping[str, str],
    columns: str,
    problems: list[Problem],
) -> Given:
    """The marks of a table, or of a folder of tables, by the recordings of a source.

    Where recordings are labelled, the marks' species are looked for among theirs; else the marks
    make the label set. Raises UserError where no table can be read, or none is about a recording
    that is there.
    """
    reading = read_marks(path, columns, problems)
    if reading.every:
        raise UserError(
            f"annotations: '{path}' holds a score of every species in every window: these are "
            "detections; name annotations"
        )
    problems += reading.problems
    marks = _in_recordings(reading.marks, recordings, problems)
    known: dict[str, str] = {}  # class id -> Latin name
    for recording in recordings:
        if recording.split in FOR_TRAINING and not recording.noise:
            class_id = class_id_of(recording)
            if class_id and not known.get(class_id):
                known[class_id] = recording.latin
    own = [Species(class_id, latin) for class_id, latin in sorted(known.items())]
    labels = LabelSet(own, [marks.names], mapping)
    of_name = labels.array(marks.names, grow=True)
    counts = np.bincount(marks.species, minlength=len(marks.names))
    for place in np.flatnonzero((of_name < 0) & (counts > 0)).tolist():
        name = " / ".join(marks.names[place])
        why = (
            "name no species of the label set (say which it is with names=)"
            if of_name[place] == UNMATCHED
            else "are not to be counted, as names= says"
        )
        problems.append(Problem(FIELD, "species", name, f"left out: {counts[place]} marks {why}"))
    told = np.bincount(marks.file, minlength=len(marks.files)).tolist()
    label = of_name[marks.species] if len(marks) else np.zeros(0, np.int32)
    species = tuple(
        Species(without_blanks(called), shown if shown != called or " " in shown else "")
        for called, shown in zip(labels.called, labels.shown, strict=True)
    )
    kept = replace(marks, names=(), species=label).where(label >= 0)
    return Given(kept, tuple(own) or species, dict(zip(marks.files, told, strict=True)))


def _in_recordings(
    marks: Marks, recordings: Sequence[RawRecording], problems: list[Problem]
) -> Marks:
    """Marks whose `file` points to names of recordings; tables of others are listed."""
    known = [recording.audio_name or recording.file for recording in recordings]
    places, several = match(marks.files, known)
    again, _ = match(marks.files, [recording.file for recording in recordings])
    index = np.array(
        [
            second if first < 0 and name not in several else first
            for first, second, name in zip(places, again, marks.files, strict=True)
        ],
        np.int32,
    )
    counts = np.bincount(marks.file, minlength=len(marks.files)).tolist()
    for name, place, count in zip(marks.files, index.tolist(), counts, strict=True):
        if place < 0:
            fits = ", ".join(several.get(name, ())[:SHOWN])
            why = f"it may be any of {fits}" if fits else "there is no such recording"
            problems.append(Problem(name, FIELD, f"{count} marks", f"left out: {why}"))
    if not len(index) or (index < 0).all():
        raise UserError(
            "annotations: none of the tables is about a recording of the source: they name "
            f"{_some(marks.files)}; the source has {_some(known)}"
        )
    used = sorted(set(index[index >= 0].tolist()))
    new = np.full(len(recordings) + 1, -1, np.int32)  # the last place is that of -1
    new[used] = np.arange(len(used), dtype=np.int32)
    moved = new[index][marks.file]
    return replace(marks, files=tuple(recordings[p].file for p in used), file=moved).where(
        moved >= 0
    )


def label_by_marks(
    recordings: Sequence[RawRecording], of: Given, free: bool, problems: list[Problem]
) -> Given:
    """Gives recordings the species of their marks, and leaves out tables that say nothing.

    A recording for training without a label of its own takes the species with the most seconds,
    and the others as background; one in which nothing is marked is a recording of nothing. To a
    labelled one, marked species are added as background. `free`: recordings to predict are
    unlabelled ones, and those that are annotated go to train and valid.
    """
    seconds = of.seconds()
    lost: set[str] = set()
    for recording in recordings:
        marked = seconds.get(recording.file)
        if marked is None:
            continue
        for_training = recording.split in FOR_TRAINING
        if not for_training and not (free and recording.split == "soundscapes_test"):
            continue
        labelled = class_id_of(recording)
        if recording.noise and marked:
            what = "its label says that nothing sings, its marks that something does: they count"
            problems.append(Problem(recording.origin, "species", "", what))
            recording.noise = False
        if marked and not labelled:
            first, *others = marked
            recording.class_id, recording.background = first, tuple(others)
            recording.latin = next(s.latin_name for s in of.species if s.class_id == first)
            recording.split = recording.split if for_training else ""
        elif marked:
            more = (name for name in marked if name != labelled)
            recording.background = tuple(dict.fromkeys((*recording.background, *more)))
        elif labelled or of.told[recording.file]:
            lost.add(recording.file)
            what = "left out: no mark of a species of the label set, so it is not annotated through"
            problems.append(Problem(recording.file, FIELD, "", what))
        elif not recording.noise:
            recording.noise, recording.split = True, recording.split if for_training else ""
    return _without(of, lost) if lost else of


def _without(of: Given, lost: set[str]) -> Given:
    kept = [place for place, name in enumerate(of.marks.files) if name not in lost]
    new = np.full(len(of.marks.files), -1, np.int32)
    new[kept] = np.arange(len(kept), dtype=np.int32)
    file = new[of.marks.file]
    files = tuple(of.marks.files[place] for place in kept)
    return replace(of, marks=replace(of.marks, files=files, file=file).where(file >= 0))


def species_of(recordings: Sequence[RawRecording], of: Given) -> tuple[Species, ...]:
    """The label set that marks make: every species marked in recordings for training; none where
    the recordings' own labels make it."""
    if any(class_id_of(r) not in ("", *of.seconds().get(r.file, ())) for r in recordings):
        return ()
    training = {r.file for r in recordings if r.split in FOR_TRAINING}
    there = {name for file, own in of.seconds().items() if file in training for name in own}
    return tuple(sorted((s for s in of.species if s.class_id in there), key=lambda s: s.class_id))


def of_dataset(
    of: Given,
    recordings: Sequence[Recording],
    classes: Sequence[str],
    problems: list[Problem],
) -> Annotations | None:
    """The marks that a dataset keeps: in recordings that it has, within their length, each once.

    None where no annotated recording is left.
    """
    rows = {r.file: r for r in recordings}
    label_of = {class_id: label for label, class_id in enumerate(classes)}
    m = of.marks
    samples = [rows[name].samples if name in rows else 0 for name in m.files]
    for name, length in zip(m.files, samples, strict=True):
        if not length:
            what = "left out: its recording is, or has no audio"
            problems.append(Problem(name, FIELD, "", what))
    length = np.array(samples, np.float64)[m.file] / SAMPLE_RATE
    label = np.array([label_of.get(s.class_id, -1) for s in of.species] or [-1])[m.species]
    there = length > 0
    _list(m, there & (label < 0), "left out: not in the label set", problems)
    late = m.start >= length
    _list(m, there & (label >= 0) & late, "left out: they begin behind the end", problems)
    kept = there & (label >= 0) & ~late
    cut = kept & (m.end > length + CLOSE)
    _list(m, cut, "cut at the end of the recording", problems)
    columns = np.stack(
        [m.file, label, m.start.round(4), np.minimum(m.end, length).round(4), m.low, m.high]
    ).astype(np.float64)[:, kept]
    _, first = np.unique(np.nan_to_num(columns[:4], nan=-1), axis=1, return_index=True)
    once = np.zeros(columns.shape[1], bool)
    once[first] = True
    twice = np.zeros(len(m), bool)
    twice[np.flatnonzero(kept)[~once]] = True
    _list(m, twice, "left out: they stand twice", problems)
    file, label, start, end, low, high = columns[:, once]
    end = np.minimum(end, length[kept][once])
    start = np.minimum(start, end)
    held = set(np.unique(file.astype(np.int64)).tolist())
    through = []
    for place, name in enumerate(m.files):
        if samples[place] and place not in held and rows[name].split in ("train", "valid"):
            what = "left out: no mark is left, so it is not annotated through"
            problems.append(Problem(name, FIELD, "", what))
        elif samples[place]:
            through.append(place)
    if not through:
        return None
    new = np.zeros(len(m.files), np.int32)
    new[through] = np.arange(len(through), dtype=np.int32)
    return annotations(
        [m.files[place] for place in through],
        new[file.astype(np.int64)],
        label.astype(np.int32),
        start,
        end,
        np.where(low >= 0, low, np.nan).round(3),
        np.where(high >= 0, high, np.nan).round(3),
    )


def _list(marks: Marks, chosen: np.ndarray, what: str, problems: list[Problem]) -> None:
    """One problem for each recording that has chosen marks."""
    counts = np.bincount(marks.file[chosen], minlength=len(marks.files))
    for place in np.flatnonzero(counts).tolist():
        problems.append(Problem(marks.files[place], FIELD, f"{counts[place]} marks", what))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{shortened(name)}'" for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
