"""Audio files as users have them, never prepared, to results beside each other in a folder.

Each audio file gets results of its own, `<file>.csv` (and what else is asked for), under the same
relative path. The folder remembers what was made of what (see `prediction.journal`), so that a run
that was interrupted goes on.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from birdml.calibration.reading import Reading
from birdml.dataset.channels import MEAN
from birdml.dataset.circumstances import NOTHING, Tables
from birdml.dataset.convert import silent_decoders
from birdml.dataset.problems import Problem
from birdml.dataset.raw import is_audio, walk
from birdml.dataset.recorders import recorded_at
from birdml.errors import UserError
from birdml.files import csv_text, shown, stamp_of, write_text
from birdml.prediction.hearing import Heard, How
from birdml.prediction.journal import (
    Entry,
    Journal,
    Writer,
    is_same,
    on_disk,
    place_of,
    read_journal,
    settle,
)
from birdml.prediction.listen import SOFTMAX, Asked, Members
from birdml.prediction.progress import Progress
from birdml.prediction.side_by_side import one_by_one
from birdml.prediction.tables import FORMS
from birdml.prediction.tables.rows import Made, Part, TooLarge

FOLDERS = 1000  # of results whose lists are kept while it is planned


@dataclass
class Outcome:
    """What became of the files: predicted now, there before, and remarks and faults by file."""

    predicted: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    faulty: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    clocks: Counter = field(default_factory=Counter)  # which times were taken, in words
    speed: str = ""  # hours of audio that were heard, and how fast
    too_large: list[str] = field(default_factory=list)  # tables of the folder that were left out

    def lost(self) -> list[tuple[str, int]]:
        """Reasons why files were left out, or heard in part only, and how many, most first."""
        said = [*self.faulty.values(), *(r for r in self.remarks.values() if "cut short" in r)]
        reasons = (re.sub(r"'.*?'|\d+(\.\d+)?", "...", text.split(" (")[0]) for text in said)
        return Counter(reasons).most_common()


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


def check_audio(source: str | Path) -> None:
    """Raises UserError where there is no audio; stops at the first file that is."""
    source = Path(source)
    if source.is_dir():
        problems: list[Problem] = []
        if any(is_audio(path) for path in walk(source, problems)):
            return
    find_audio(source)


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
    tables: Tables = NOTHING,
    told: Mapping[str, object] | None = None,
    without: Members | None = None,
    run: Callable[..., Iterator[Heard]] = one_by_one,
) -> Outcome:
    """Predicts every audio file of a folder (or one file) into `out`; goes on behind faulty ones.

    `forms` are those of `prediction.tables`; tables of the whole folder hold all files of `out`,
    also those of earlier calls. `draw(target, samples, title)` adds a figure per file; `reading`
    says what scores are, `made` by what; `beside` are texts that belong to the results, by the name
    of their file. Faults and remarks are also in `problems.csv`. Where neither date nor time is
    asked for, those that a recorder wrote into a file's name or header are used, or what `tables`
    say; with `told` (how that was asked for), the results have columns of site and wall clock.
    `without`: see `How`; `run` hears the files: `one_by_one`, side by side or on other machines.
    Raises UserError where there is no audio, where `out` holds results of another model or other
    settings, or where the disk is full.
    """
    out = Path(out)
    check_audio(source)
    settle(
        out,
        {
            "model": [[model.name, model.identity, weight] for model, weight in members],
            "species": len(members[0][0].species),
            **_settings(asked),
            **({} if channel == MEAN else {"channel": channel}),
            **(told or {}),
            **reading.settings,
        },
    )
    for name, text in (beside or {}).items():
        if not (out / name).exists():  # it may have been edited since
            write_text(out / name, text)
    made = made or Made("+".join(m.name for m, _ in members), "", members[0][0].species)
    how = How(
        *(members, asked, reading, made, tuple(forms), draw, channel, tables, bool(told)),
        without,
    )
    journal = read_journal(out)
    writer = Writer(out)
    outcome = Outcome()
    root, todo, size = _plan(how, source, out, journal, outcome)
    work = ((name, root / name if root.is_dir() else root) for name in todo)
    with silent_decoders() as screen, Progress(size, screen) as bar:
        for heard in run(how, out, work, bar.heard):
            entry = heard.entry
            if entry.faulty:
                outcome.faulty[heard.name] = entry.problem
            else:
                outcome.predicted.append(heard.name)
                outcome.remarks |= {heard.name: entry.problem} if entry.problem else {}
            outcome.clocks[heard.clock] += bool(heard.clock)
            journal.entries[entry.file] = entry
            writer.add(entry)
            bar.finished(heard.size, entry.seconds)
        outcome.speed = bar.summary()
    problems = {entry.file: entry.problem for entry in journal.entries.values() if entry.problem}
    problems |= {shown(name): text for name, text in outcome.faulty.items()}
    write_text(out / "problems.csv", csv_text(("file", "problem"), sorted(problems.items())))
    _join(how, out, journal, writer, outcome, bool(todo))
    return outcome


def _settings(asked: Asked) -> dict[str, Any]:
    """What results depend on; `explain` only where it is asked for, as in folders from before."""
    settings = asdict(asked)
    if not asked.explain:
        del settings["explain"]
    return settings


def _plan(
    how: How, source: str | Path, out: Path, journal: Journal, outcome: Outcome
) -> tuple[Path, list[str], int]:
    """The folder or file, the names that have no results yet, and how many bytes they are.

    Folders of results are listed once; what is there is not asked for file by file.
    """
    source = Path(source)
    problems: list[Problem] = []
    paths = walk(source, problems) if source.is_dir() else iter([source])
    listed: dict[str, frozenset[str]] = {}
    todo: list[str] = []
    size = 0
    for path in paths:
        if source.is_dir() and not is_audio(path):
            continue
        name = path.relative_to(source).as_posix() if source.is_dir() else path.name
        entry = journal.entries.get(shown(name))
        about = how.tables.about(shown(name))
        if entry and entry.source != place_of(path) and Path(entry.source).exists():
            outcome.faulty[name] = (
                f"its results would replace those of '{entry.source}': name another folder with "
                "-P out=FOLDER"
            )
        elif (
            entry
            and not entry.faulty
            and is_same(entry, path, about)
            and _are_there(how, out, name, entry, listed)
        ):
            outcome.there.append(entry.file if entry.file == name else name)
            if entry.problem:
                outcome.remarks[name] = entry.problem
        else:
            todo.append(name)
            size += int(stamp_of(path).partition(" ")[0] or 0)
    outcome.faulty |= {problem.file: problem.done for problem in problems}
    return source, todo, size


def _are_there(
    how: How, out: Path, name: str, entry: Entry, listed: dict[str, frozenset[str]]
) -> bool:
    """Whether all results of a file are in the lists of their folders."""
    date = entry.date or how.asked.date or recorded_at(Path(name).stem).date
    site = entry.site if how.told else None
    targets = [FORMS[form].place(name, date, site) for form in how.forms]
    targets += [f"{name}.png"] if how.draw else []
    for target in targets:
        folder, _, file = target.rpartition("/")
        if folder not in listed:
            if len(listed) > FOLDERS:
                listed.clear()
            try:
                listed[folder] = frozenset(os.listdir(out / folder))
            except OSError:
                listed[folder] = frozenset()
        if file not in listed[folder]:
            return False
    return True


def _join(
    how: How, out: Path, journal: Journal, writer: Writer, outcome: Outcome, changed: bool
) -> None:
    """Makes the tables of the whole folder, unless they are of these very files."""
    wholes = {form: getattr(FORMS[form], "WHOLE", "") for form in how.forms}
    made_before = all(
        form in journal.joined and (not whole or journal.joined[form] or (out / whole).exists())
        for form, whole in wholes.items()
    )
    if changed or not made_before:
        done = sorted((e.file, e.seconds, e.date, e.site) for e in journal.entries.values()
                      if not e.faulty)  # fmt: skip
        parts = [
            Part(on_disk(name), length, date, site if how.told else None)
            for name, length, date, site in done
        ]
        journal.joined = {}
        for form in how.forms:
            try:
                FORMS[form].join(out, parts)
                journal.joined[form] = ""
            except TooLarge:
                journal.joined[form] = "too large"
        writer.joined(journal.joined)
    outcome.too_large = [wholes[form] for form in how.forms if journal.joined.get(form)]
