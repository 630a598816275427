"""One audio file, whole: decoded, heard, its results written. What becomes of it is a line of the
journal; several may be at it at once, on threads or machines."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from birdml.calibration.reading import Reading
from birdml.dataset.channels import MEAN
from birdml.dataset.circumstances import NOTHING, Circumstances, Tables
from birdml.dataset.convert import Notes, UnreadableAudio, attempts
from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.files import NO_SPACE, shown, stamp_of
from birdml.prediction.journal import Entry, place_of
from birdml.prediction.listen import Asked, Members, listen
from birdml.prediction.tables import write
from birdml.prediction.tables.rows import Made, Sound

SHORT = 0.1  # seconds under which a recording is mentioned


@dataclass(frozen=True)
class How:
    """How every file is predicted, and what is written of it; see `files.predict_files`.

    `told`: tables tell site, place and wall clock. `without` are the members for a file of which
    neither date nor time nor place is known; None: all of them."""

    members: Members
    asked: Asked
    reading: Reading
    made: Made
    forms: Sequence[str]
    draw: Callable[[Path, np.ndarray, str], None] | None = None
    channel: str = MEAN
    tables: Tables = NOTHING
    told: bool = False
    without: Members | None = None


@dataclass(frozen=True)
class Heard:
    """What became of a file: its line of the journal, its name as the disk has it, which time was
    taken for it, and its size in bytes."""

    entry: Entry
    name: str
    clock: str = ""
    size: int = 0


def hear(
    how: How,
    out: Path,
    name: str,
    path: Path,
    progress: Callable[[float], object] = lambda seconds: None,
    turn: AbstractContextManager | None = None,
) -> Heard:
    """Predicts one file and writes its results. What can't be heard is faulty, and never an error.

    `progress` is called with seconds of audio; `turn` is entered while the networks compute.
    Raises UserError where the disk is full.
    """
    stamp, about = stamp_of(path), how.tables.about(shown(name))
    field, problem, length, faulty = Circumstances(), "", 0.0, True
    try:
        field = _circumstances(how, name, path)
        problem, length = _results(how, out, name, path, field, progress, turn or nullcontext())
        faulty = False
    except UnreadableAudio as error:
        problem = str(error)
    except OSError as error:
        problem = f"could not be decoded: {error.strerror or error}"
    at = field.begin.isoformat() if field.begin else field.date
    place = (field.latitude, field.longitude)
    entry = Entry(
        *(shown(name), place_of(path), stamp, problem, faulty, length, about, at, field.site),
        *(place if how.told else (None, None)),
    )
    return Heard(entry, name, field.clock, int(stamp.partition(" ")[0] or 0))


def _circumstances(how: How, name: str, path: Path) -> Circumstances:
    """When and where, as it is asked for, or else as the file and the tables tell it."""
    asked, found = how.asked, how.tables.of(shown(name), path)
    if asked.date or asked.time:
        found = replace(found, date=asked.date, time=asked.time, begin=None, clock="as asked for")
    given = {n: getattr(asked, n) for n in ("latitude", "longitude", "elevation")}
    if any(value is not None for value in given.values()):
        found = replace(found, **given)
    return found


def _results(
    how: How,
    out: Path,
    name: str,
    path: Path,
    field: Circumstances,
    progress: Callable[[float], object],
    turn: AbstractContextManager,
) -> tuple[str, float]:
    """Writes the results of one file; returns remarks and its seconds. Raises UnreadableAudio where
    it can't be heard or its results can't be written, and UserError where the disk is full."""
    place = {n: getattr(field, n) for n in ("latitude", "longitude", "elevation")}
    asked = replace(how.asked, date=field.date, time=field.time, **place)
    members = how.members if field.known or how.without is None else how.without
    if not members:
        raise UnreadableAudio("neither date nor time nor place is known, which the model takes")
    with decoded(path, how.channel) as (samples, notes):
        sound = Sound(
            *(name, shown(name), place_of(path), field.date, field.time, notes.rate),
            field if how.told else None,
        )
        with turn:
            heard = listen(members, samples, asked, how.reading, progress)
            detections = sorted(heard, key=lambda d: (d.start, d.rank))
        try:
            for form in how.forms:
                write(form, out, detections, sound, how.made)
            if how.draw:
                with turn:
                    how.draw(out / f"{name}.png", samples, sound.file)
        except UserError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno not in NO_SPACE:
                raise UnreadableAudio(f"its results can't be written: {error}") from None
            raise
        remarks = [*_remarks(notes), *field.remarks]
    return "; ".join(remarks), notes.samples / SAMPLE_RATE


@contextmanager
def decoded(path: Path, channel: str = MEAN) -> Iterator[tuple[np.ndarray, Notes]]:
    """A file's sound, int16 [S] at SAMPLE_RATE as a memory map, and what was noticed.

    Lies in a temporary file, so that a recording of any length fits. Raises UnreadableAudio, and
    OSError where there is no room for it.
    """
    with tempfile.TemporaryFile() as raw:
        for notes, blocks in attempts(path, channel):  # noqa: B007  (the last ones count)
            raw.seek(0)
            raw.truncate()
            for block in blocks:
                raw.write(block.tobytes())
        if not notes.samples:
            raise UnreadableAudio("; ".join((*notes.said(), "no sound in it")))
        raw.flush()
        yield np.memmap(raw, np.int16, "r"), notes


def _remarks(notes: Notes) -> list[str]:
    remarks = list(notes.said())
    if 0 < notes.rate < SAMPLE_RATE * 0.9:
        half = notes.rate // 2
        remarks.append(f"sampled at {notes.rate} Hz: the model hears nothing above {half} Hz")
    if notes.samples < SHORT * SAMPLE_RATE:
        remarks.append(f"only {notes.samples / SAMPLE_RATE:.3f} s long: repeated to be heard")
    if not notes.loudest:
        remarks.append("silent")
    return remarks
