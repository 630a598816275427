"""Audio files as users have them, never prepared, to results beside each other in a folder.

Each audio file gets results of its own, `<file>.csv` (and what else is asked for), under the same
relative path. A result that exists and is newer than its audio file is complete: a run that was
interrupted goes on from there. `settings.json` says what the results were made with.
"""

import csv
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from birdml.dataset.convert import Notes, UnreadableAudio, decode
from birdml.dataset.raw import Problem, is_audio, walk
from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.files import csv_text, write_text
from birdml.prediction.detections import HEADER, SUFFIXES, as_text
from birdml.prediction.listen import Asked, Members, listen

SHORT = 0.1  # seconds under which a recording is mentioned


@dataclass
class Outcome:
    """What became of the files: predicted now, there before, and remarks and faults by file."""

    predicted: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    faulty: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)


def find_audio(source: str | Path) -> dict[str, Path]:
    """Audio files by their name below `source`, a folder or one file; UserError for none."""
    source = Path(source)
    if source.is_file():
        return {source.name: source}
    if not source.is_dir():
        raise UserError(f"recordings: there is no file or folder '{source}'; name one that exists")
    problems: list[Problem] = []
    found = {
        path.relative_to(source).as_posix(): path
        for path in walk(source, problems)
        if is_audio(path)
    }
    if not found:
        raise UserError(
            f"recordings: the folder '{source}' holds no audio files (WAV, FLAC, OGG, MP3, ...)"
        )
    return found


def predict_files(
    members: Members,
    source: str | Path,
    out: str | Path,
    asked: Asked,
    forms: Sequence[str] = ("csv",),
    draw: Callable[[Path, np.ndarray, str], None] | None = None,
) -> Outcome:
    """Predicts every audio file of a folder (or one file) into `out`; goes on behind faulty ones.

    `forms` are formats of `detections.SUFFIXES`; for csv, `predictions.csv` holds all files
    together. `draw(target, samples, title)` adds a figure per file. Faults and remarks are also in
    `problems.csv`. Raises UserError where there is no audio, or where `out` holds results of
    another model or other settings.
    """
    files, out = find_audio(source), Path(out)
    _settle(out, members, asked)
    outcome = Outcome(remarks=_earlier_remarks(out))
    seconds = {name: _seconds(path) for name, path in files.items()}
    todo: list[str] = []
    for name, path in files.items():
        targets = [out / f"{name}{SUFFIXES[form]}" for form in forms]
        targets += [out / f"{name}.png"] if draw else []
        done = all(_newer(target, path) for target in targets)
        (outcome.there if done else todo).append(name)
    total = round(sum(seconds[name] for name in todo))
    with tqdm(total=total, unit="s", disable=None) as bar:
        bar.set_description("audio")
        for name in todo:
            outcome.remarks.pop(name, None)
            before = bar.n
            try:
                with decoded(files[name]) as (samples, notes):
                    heard = listen(members, samples, asked, bar.update)
                    detections = sorted(heard, key=lambda d: (d.start, d.rank))
                    if draw:
                        draw(out / f"{name}.png", samples, name)
                    outcome.remarks |= _remarks(name, files[name], notes)
            except UnreadableAudio as error:
                outcome.faulty[name] = str(error)
            else:
                for form in forms:
                    text = as_text(detections, name, members[0][0].species, form)
                    write_text(out / f"{name}{SUFFIXES[form]}", text)
                outcome.predicted.append(name)
            bar.update(before + seconds[name] - bar.n)
    problems = {**outcome.faulty, **outcome.remarks}
    write_text(out / "problems.csv", csv_text(("file", "problem"), sorted(problems.items())))
    if "csv" in forms:
        _join(out, sorted({*outcome.there, *outcome.predicted}))
    return outcome


@contextmanager
def decoded(path: Path) -> Iterator[tuple[np.ndarray, Notes]]:
    """A file's sound, int16 [S] at SAMPLE_RATE as a memory map, and what was noticed.

    Lies in a temporary file, so that a recording of any length fits. Raises UnreadableAudio.
    """
    notes = Notes()
    with tempfile.TemporaryFile() as raw:
        for block in decode(path, notes):
            raw.write(block.tobytes())
        if not notes.samples:
            raise UnreadableAudio("no sound in it")
        raw.flush()
        yield np.memmap(raw, np.int16, "r"), notes


def _settle(out: Path, members: Members, asked: Asked) -> None:
    """Notes in `out` what its results are made with; UserError where they are made with other."""
    settings = {
        "model": [[model.name, model.identity, weight] for model, weight in members],
        "species": len(members[0][0].species),
        **asdict(asked),
    }
    path = out / "settings.json"
    with suppress(FileNotFoundError):
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            there = {}
        settings = json.loads(json.dumps(settings))
        differs = [key for key, value in settings.items() if there.get(key) != value]
        if differs:
            raise UserError(
                f"'{out}' holds predictions made with another {', '.join(differs)}: "
                "name another folder with -P out=FOLDER, or remove that one"
            )
        return
    write_text(path, json.dumps(settings, indent=1) + "\n")


def _newer(target: Path, source: Path) -> bool:
    try:
        return target.stat().st_mtime_ns >= source.stat().st_mtime_ns
    except OSError:
        return False


def _seconds(path: Path) -> float:
    """Length by the header, for the progress bar; 0 where it says nothing."""
    try:
        return soundfile.info(str(path)).duration
    except (OSError, soundfile.LibsndfileError, TypeError, RuntimeError):
        return 0.0


def _remarks(name: str, path: Path, notes: Notes) -> dict[str, str]:
    remarks = list(notes.remarks)
    with suppress(OSError, soundfile.LibsndfileError, TypeError, RuntimeError):
        rate = soundfile.info(str(path)).samplerate
        if rate < SAMPLE_RATE * 0.9:
            remarks.append(f"sampled at {rate} Hz: the model hears nothing above {rate // 2} Hz")
    if notes.samples < SHORT * SAMPLE_RATE:
        remarks.append(f"only {notes.samples / SAMPLE_RATE:.3f} s long: repeated to be heard")
    if not notes.loudest:
        remarks.append("silent")
    return {name: "; ".join(remarks)} if remarks else {}


def _earlier_remarks(out: Path) -> dict[str, str]:
    try:
        with open(out / "problems.csv", newline="", encoding="utf-8") as file:
            rows = {row["file"]: row["problem"] for row in csv.DictReader(file)}
    except FileNotFoundError:
        return {}
    return {name: text for name, text in rows.items() if (out / f"{name}.csv").exists()}


def _join(out: Path, names: Sequence[str]) -> None:
    """All results in one table, written line by line beside its place."""
    beside = out / ".predictions.csv.part"
    with open(beside, "w", encoding="utf-8") as table:
        table.write(",".join(HEADER) + "\n")
        for name in names:
            with open(out / f"{name}.csv", encoding="utf-8") as part:
                next(part)
                table.writelines(part)
    beside.replace(out / "predictions.csv")
