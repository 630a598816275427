"""One audio file, whole: decoded, heard, its results written. What becomes of it is a line of the
journal; several may be at it at once, on threads or machines."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from birdml.calibration.reading import Reading
from birdml.dataset.addresses import at_hand
from birdml.dataset.channels import MEAN
from birdml.dataset.circumstances import NO_TABLES, Circumstances, Tables
from birdml.dataset.decoders.notes import Notes, UnreadableAudio
from birdml.dataset.decoding import attempts
from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.files import NO_SPACE, shown
from birdml.prediction.journal import Entry
from birdml.prediction.listen import Asked, Members, listen
from birdml.prediction.recordings import Spread
from birdml.prediction.results import landing
from birdml.prediction.sources import Place, called, stamp_at
from birdml.prediction.tables import write
from birdml.prediction.tables.rows import Made, NamedRecording

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
    tables: Tables = NO_TABLES
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
    out: Place,
    name: str,
    place: Place,
    progress: Callable[[float], object] = lambda seconds: None,
    turn: AbstractContextManager | None = None,
    spread: Spread = map,
) -> Heard:
    """Predicts one file and writes its results. What can't be heard is faulty, and never an error.

    A file at an address is copied to this machine, until it is decoded. `progress` is called with
    seconds of audio; `turn` is entered while the networks compute, `spread` is as for `listen`.
    Raises UserError where the disk is full, or a store refuses.
    """
    stamp, about = stamp_at(place), how.tables.about(shown(name))
    field, problem, length, faulty = Circumstances(), "", 0.0, True
    try:
        with ExitStack() as copy:
            path = copy.enter_context(at_hand(place))
            field = _circumstances(how, name, path)
            with _decoded(how, field, path) as (members, samples, notes):
                copy.close()
                sound = NamedRecording(
                    name,
                    file=shown(name),
                    path=called(place),
                    date=field.date,
                    time=field.time,
                    rate=notes.rate,
                    field=field if how.told else None,
                )
                hearing = (progress, turn or nullcontext(), spread)
                _results(how, out, members, samples, sound, field, *hearing)
        problem = "; ".join((*_remarks(notes), *field.remarks))
        length, faulty = notes.samples / SAMPLE_RATE, False
    except UnreadableAudio as error:
        problem = str(error)
    except OSError as error:
        problem = f"could not be decoded: {error.strerror or error}"
    entry = Entry(
        shown(name),
        source=called(place),
        stamp=stamp,
        problem=problem,
        faulty=faulty,
        seconds=length,
        about=about,
        at=field.begin.isoformat() if field.begin else field.date,
        site=field.site,
        latitude=field.latitude if how.told else None,
        longitude=field.longitude if how.told else None,
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


@contextmanager
def _decoded(
    how: How, field: Circumstances, path: Path
) -> Iterator[tuple[Members, np.ndarray, Notes]]:
    """A file's sound, and the members that can hear it. Raises UnreadableAudio."""
    members = how.members if field.known or how.without is None else how.without
    if not members:
        raise UnreadableAudio("neither date nor time nor place is known, which the model takes")
    with decoded(path, how.channel) as (samples, notes):
        yield members, samples, notes


def _results(
    how: How,
    out: Place,
    members: Members,
    samples: np.ndarray,
    sound: NamedRecording,
    field: Circumstances,
    progress: Callable[[float], object],
    turn: AbstractContextManager,
    spread: Spread,
) -> None:
    """Writes the results of one file. Raises UnreadableAudio where they can't be written, and
    UserError where the disk is full."""
    where = {n: getattr(field, n) for n in ("latitude", "longitude", "elevation")}
    asked = replace(how.asked, date=field.date, time=field.time, **where)
    with turn:
        heard = listen(members, samples, asked, how.reading, progress, spread)
        detections = sorted(heard, key=lambda d: (d.start, d.rank))
    try:
        with landing(out) as folder:
            for form in how.forms:
                write(form, folder, detections, sound, how.made)
            if how.draw:
                with turn:
                    how.draw(folder / f"{sound.name}.png", samples, sound.file)
    except UserError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno not in NO_SPACE:
            raise UnreadableAudio(f"its results can't be written: {error}") from None
        raise


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
