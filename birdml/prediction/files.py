"""Audio files as users have them, never prepared, to results beside each other in a folder.

Each audio file gets results of its own, `<file>.csv` (and what else is asked for), under the same
relative path. The folder remembers what was made of what (see `prediction.journal`), so that a run
that was interrupted goes on.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from birdml.calibration.reading import Reading
from birdml.dataset.addresses import Address
from birdml.dataset.channels import MEAN
from birdml.dataset.circumstances import NO_TABLES, Tables
from birdml.dataset.decoding import silent_decoders
from birdml.dataset.problems import Problem
from birdml.dataset.recorders import recorded_at
from birdml.files import csv_text, shown, write_text
from birdml.prediction.hearing import Heard, How
from birdml.prediction.journal import (
    SETTINGS,
    Entry,
    Journal,
    Writer,
    keep_settings,
    on_disk,
    read_journal,
)
from birdml.prediction.listen import SOFTMAX, Asked, Members
from birdml.prediction.progress import Progress
from birdml.prediction.results import Results, results_at
from birdml.prediction.side_by_side import one_by_one
from birdml.prediction.sources import (
    Place,
    audio_below,
    called,
    check_audio,
    is_there,
    place_at,
    stamp_at,
)
from birdml.prediction.tables import FORMS
from birdml.prediction.tables.rows import Made, Part, TooLarge

FOLDERS = 1000  # of results whose lists are kept while it is planned
PROBLEMS = "problems.csv"

Todo = tuple[str, Address | None]  # a name, and where it lies if not below the folder


@dataclass
class Summary:
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


def predict_files(
    members: Members,
    source: str | Place,
    out: str | Place,
    asked: Asked,
    forms: Sequence[str] = ("csv",),
    draw: Callable[[Path, np.ndarray, str], None] | None = None,
    channel: str = MEAN,
    reading: Reading = SOFTMAX,
    made: Made | None = None,
    beside: Mapping[str, str] | None = None,
    tables: Tables = NO_TABLES,
    told: Mapping[str, object] | None = None,
    without: Members | None = None,
    run: Callable[..., Iterator[Heard]] = one_by_one,
) -> Summary:
    """Predicts every audio file of a folder (or one file) into `out`; goes on behind faulty ones.

    Both may be addresses of a store (`s3://bucket/season`), see `prediction.results`.
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
    source = place_at(source)
    check_audio(source)
    with results_at(out) as results:
        folder = results.folder
        keep_settings(
            folder,
            {
                "model": [[model.name, model.identity, weight] for model, weight in members],
                "species": len(members[0][0].species),
                **_settings(asked),
                **({} if channel == MEAN else {"channel": channel}),
                **(told or {}),
                **(made.settings if made else {}),
                **reading.settings,
            },
            results.called,
        )
        for name, text in (beside or {}).items():
            if not results.has(name):  # it may have been edited since
                write_text(folder / name, text)
        results.keep(SETTINGS, *(beside or {}))
        made = made or Made("+".join(m.name for m, _ in members), "", members[0][0].species)
        how = How(
            members,
            asked,
            reading,
            made,
            forms=tuple(forms),
            draw=draw,
            channel=channel,
            tables=tables,
            told=bool(told),
            without=without,
        )
        return _predicted(how, source, results, run)


def _predicted(
    how: How, source: Place, results: Results, run: Callable[..., Iterator[Heard]]
) -> Summary:
    journal, writer, outcome = read_journal(results.folder), Writer(results.folder), Summary()
    todo, size = _plan(how, source, results, journal, outcome)
    with silent_decoders() as screen, Progress(size, screen) as bar:
        for heard in run(how, results.target, _work(source, todo), bar.heard):
            entry = heard.entry
            if entry.faulty:
                outcome.faulty[heard.name] = entry.problem
            else:
                outcome.predicted.append(heard.name)
                outcome.remarks |= {heard.name: entry.problem} if entry.problem else {}
            outcome.clocks[heard.clock] += bool(heard.clock)
            journal.entries[entry.file] = entry
            writer.add(entry)
            results.noted()
            bar.finished(heard.size, entry.seconds)
        outcome.speed = bar.summary()
    problems = {entry.file: entry.problem for entry in journal.entries.values() if entry.problem}
    problems |= {shown(name): text for name, text in outcome.faulty.items()}
    text = csv_text(("file", "problem"), sorted(problems.items()))
    write_text(results.folder / PROBLEMS, text)
    results.keep(PROBLEMS, again=True)
    _join(how, results, journal, writer, outcome, bool(todo))
    return outcome


def _settings(asked: Asked) -> dict[str, Any]:
    """What results depend on; `explain` only where it is asked for, as in folders from before."""
    settings = asdict(asked)
    if not asked.explain:
        del settings["explain"]
    return settings


def _plan(
    how: How, source: Place, results: Results, journal: Journal, outcome: Summary
) -> tuple[list[Todo], int]:
    """What has no results yet, and how many bytes it is.

    Folders of results are listed once; what is there is not asked for file by file.
    """
    problems: list[Problem] = []
    listed: dict[str, frozenset[str]] = {}
    todo: list[Todo] = []
    size = 0
    for name, place in audio_below(source, problems):
        entry = journal.entries.get(shown(name))
        about, stamp = how.tables.about(shown(name)), stamp_at(place)
        whole = called(place)
        if entry and entry.source != whole and is_there(entry.source):
            outcome.faulty[name] = (
                f"its results would replace those of '{entry.source}': name another folder with "
                "-P out=FOLDER"
            )
        elif (
            entry
            and not entry.faulty
            and (entry.source, entry.stamp, entry.about) == (whole, stamp, about)
            and _are_there(how, results, name, entry, listed)
        ):
            outcome.there.append(entry.file if entry.file == name else name)
            if entry.problem:
                outcome.remarks[name] = entry.problem
        else:
            todo.append((name, place if isinstance(place, Address) else None))
            size += int(stamp.partition(" ")[0] or 0)
    outcome.faulty |= {problem.file: problem.done for problem in problems}
    return todo, size


def _work(source: Place, todo: Sequence[Todo]) -> Iterator[tuple[str, Place]]:
    inside = isinstance(source, Path) and source.is_dir()
    for name, address in todo:
        yield name, address or (source / name if inside else source)


def _are_there(
    how: How, results: Results, name: str, entry: Entry, listed: dict[str, frozenset[str]]
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
            listed[folder] = results.names(folder)
        if file not in listed[folder]:
            return False
    return True


def _join(
    how: How, results: Results, journal: Journal, writer: Writer, outcome: Summary, changed: bool
) -> None:
    """Makes the tables of the whole folder, unless they are of these very files."""
    wholes = {form: getattr(FORMS[form], "WHOLE", "") for form in how.forms}
    made_before = all(
        form in journal.joined and (not whole or journal.joined[form] or results.has(whole))
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
                results.join(form, parts)
                journal.joined[form] = ""
            except TooLarge:
                journal.joined[form] = "too large"
        writer.joined(journal.joined)
    outcome.too_large = [wholes[form] for form in how.forms if journal.joined.get(form)]
