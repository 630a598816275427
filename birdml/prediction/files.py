"""Audio files as users have them, never prepared, to results beside each other in a folder.

Each audio file gets results of its own, `<file>.csv` (and what else is asked for), under the same
relative path. The folder remembers what was made of what (see `prediction.journal`), so that a run
that was interrupted goes on.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from tqdm import tqdm

from birdml.calibration.reading import Reading
from birdml.dataset.channels import MEAN
from birdml.dataset.convert import Notes, UnreadableAudio, attempts, silent_decoders
from birdml.dataset.problems import Problem
from birdml.dataset.raw import is_audio, walk
from birdml.dataset.recorders import Recorded, recorded_at
from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.files import NO_SPACE, csv_text, shown, stamp_of, write_text
from birdml.prediction.journal import (
    Entry,
    append,
    is_same,
    on_disk,
    place_of,
    read_journal,
    settle,
)
from birdml.prediction.listen import SOFTMAX, Asked, Members, listen
from birdml.prediction.tables import FORMS, write
from birdml.prediction.tables.rows import Made, Part, Sound

SHORT = 0.1  # seconds under which a recording is mentioned


@dataclass
class Outcome:
    """What became of the files: predicted now, there before, and remarks and faults by file."""

    predicted: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    faulty: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _How:
    """How every file is predicted, and what is written of it; see `predict_files`."""

    members: Members
    asked: Asked
    reading: Reading
    made: Made
    forms: Sequence[str]
    draw: Callable[[Path, np.ndarray, str], None] | None
    channel: str


def find_audio(source: str | Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Audio files by their name below `source`, a folder or one file, and what of it can't be read.

    Raises UserError where there is neither.
    """
    source = Path(source)
    if source.is_file():
        return {source.name: source}, {}
    if not source.is_dir():
        raise UserError(f"recordings: there is no file or folder '{source}'; name one that exists")
    problems: list[Problem] = []
    found = {
        path.relative_to(source).as_posix(): path
        for path in walk(source, problems)
        if is_audio(path)
    }
    if not found:
        why = f" ({problems[0].file}: {problems[0].done})" if problems else ""
        raise UserError(
            f"recordings: the folder '{source}' holds no audio files (WAV, FLAC, OGG, MP3, ...)"
            f"{why}"
        )
    return found, {problem.file: problem.done for problem in problems}


def predict_files(
    members: Members,
    source: str | Path,
    out: str | Path,
    asked: Asked,
    forms: Sequence[str] = ("csv",),
    draw: Callable[[Path, np.ndarray, str], None] | None = None,
    channel: str = MEAN,
    reading: Reading = SOFTMAX,
    made: Made | None = None,
    beside: Mapping[str, str] | None = None,
) -> Outcome:
    """Predicts every audio file of a folder (or one file) into `out`; goes on behind faulty ones.

    `forms` are those of `prediction.tables`; tables of the whole folder hold all files of `out`,
    also those of earlier calls. `draw(target, samples, title)` adds a figure per file; `reading`
    says what scores are, `made` by what; `beside` are texts that belong to the results, by the name
    of their file. Faults and remarks are also in `problems.csv`. Where neither date nor time is
    asked for, those that a recorder wrote into a file's name are used. Raises UserError where there
    is no audio, or where `out` holds results of another model or other settings.
    """
    (files, unreadable), out = find_audio(source), Path(out)
    settle(
        out,
        {
            "model": [[model.name, model.identity, weight] for model, weight in members],
            "species": len(members[0][0].species),
            **_settings(asked),
            **({} if channel == MEAN else {"channel": channel}),
            **reading.settings,
        },
    )
    for name, text in (beside or {}).items():
        if not (out / name).exists():  # it may have been edited since
            write_text(out / name, text)
    made = made or Made("+".join(m.name for m, _ in members), "", members[0][0].species)
    how = _How(members, asked, reading, made, forms, draw, channel)
    journal = read_journal(out)
    outcome = Outcome(faulty=dict(unreadable))
    seconds = {name: _seconds(path) for name, path in files.items()}
    todo: list[str] = []
    for name, path in files.items():
        date = _when(name, asked).date
        targets = [out / FORMS[form].place(name, date) for form in forms]
        targets += [out / f"{name}.png"] if draw else []
        entry = journal.get(shown(name))
        if entry and entry.source != place_of(path) and Path(entry.source).exists():
            outcome.faulty[name] = (
                f"its results would replace those of '{entry.source}': name another folder with "
                "-P out=FOLDER"
            )
        elif entry and not entry.faulty and is_same(entry, path) and all(map(_there, targets)):
            outcome.there.append(name)
            if entry.problem:
                outcome.remarks[name] = entry.problem
        else:
            todo.append(name)
    total = round(sum(seconds[name] for name in todo))
    with silent_decoders() as screen, tqdm(total=total, unit="s", disable=None, file=screen) as bar:
        bar.set_description("audio")
        for name in todo:
            before = bar.n
            stamp, problem, length, faulty = stamp_of(files[name]), "", 0.0, True
            try:
                problem, length = _predict_one(how, files[name], out, name, bar.update)
                faulty = False
            except UnreadableAudio as error:
                problem = str(error)
            except OSError as error:
                problem = f"could not be decoded: {error.strerror or error}"
            if faulty:
                outcome.faulty[name] = problem
            else:
                outcome.predicted.append(name)
                outcome.remarks |= {name: problem} if problem else {}
            entry = Entry(shown(name), place_of(files[name]), stamp, problem, faulty, length)
            journal[entry.file] = entry
            append(out, entry)
            bar.update(before + seconds[name] - bar.n)
    problems = {entry.file: entry.problem for entry in journal.values() if entry.problem}
    problems |= {shown(name): text for name, text in outcome.faulty.items()}
    write_text(out / "problems.csv", csv_text(("file", "problem"), sorted(problems.items())))
    done = sorted((entry.file, entry.seconds) for entry in journal.values() if not entry.faulty)
    parts = [Part(on_disk(name), length) for name, length in done]
    for form in forms:
        FORMS[form].join(out, parts)
    return outcome


def _settings(asked: Asked) -> dict[str, Any]:
    """What results depend on; `explain` only where it is asked for, as in folders from before."""
    settings = asdict(asked)
    if not asked.explain:
        del settings["explain"]
    return settings


def _when(name: str, asked: Asked) -> Recorded:
    """Date and time of a recording: as they are asked for, or else by its name."""
    if asked.date or asked.time:
        return Recorded(asked.date, asked.time)
    return recorded_at(Path(name).stem)


def _predict_one(
    how: _How, path: Path, out: Path, name: str, progress: Callable[[float], object]
) -> tuple[str, float]:
    """Writes the results of one file; returns remarks and its seconds. Raises UnreadableAudio where
    it can't be heard or its results can't be written, and UserError where the disk is full."""
    when = _when(name, how.asked)
    asked = replace(how.asked, date=when.date, time=when.time)
    sound = Sound(name, shown(name), place_of(path), when.date, when.time, _rate(path))
    with decoded(path, how.channel) as (samples, notes):
        heard = listen(how.members, samples, asked, how.reading, progress)
        detections = sorted(heard, key=lambda d: (d.start, d.rank))
        remarks = _remarks(sound.rate, notes)
        try:
            for form in how.forms:
                write(form, out, detections, sound, how.made)
            if how.draw:
                how.draw(out / f"{name}.png", samples, sound.file)
        except UserError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno not in NO_SPACE:
                raise UnreadableAudio(f"its results can't be written: {error}") from None
            raise
    return "; ".join(remarks), notes.samples / SAMPLE_RATE


def _there(target: Path) -> bool:
    try:
        return target.is_file()
    except OSError:
        return False


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


def _header(path: Path) -> Any:
    """What a file's header says of it; None where that is nothing."""
    try:
        return soundfile.info(os.fsencode(path))
    except (OSError, soundfile.LibsndfileError, TypeError, RuntimeError, ValueError):
        return None


def _seconds(path: Path) -> float:
    """Length by the header, for the progress bar; 0 where it says nothing."""
    header = _header(path)
    return header.duration if header else 0.0


def _rate(path: Path) -> int:
    """Samples per second by the header; 0 where it says nothing."""
    header = _header(path)
    return header.samplerate if header else 0


def _remarks(rate: int, notes: Notes) -> list[str]:
    remarks = list(notes.said())
    if 0 < rate < SAMPLE_RATE * 0.9:
        remarks.append(f"sampled at {rate} Hz: the model hears nothing above {rate // 2} Hz")
    if notes.samples < SHORT * SAMPLE_RATE:
        remarks.append(f"only {notes.samples / SAMPLE_RATE:.3f} s long: repeated to be heard")
    if not notes.loudest:
        remarks.append("silent")
    return remarks
