"""From a source of raw recordings to a prepared dataset.

The order: read the source, convert its audio, keep equal recordings once, make the label set,
divide into train and valid, repair the metadata, write. Everything that is left out or changed on
the way is a row of `problems.csv`. While it is unfinished, a dataset's folder holds `.preparing/`
with the request and a journal; the same command goes on from there.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from birdml import __version__
from birdml.annotations import preparing
from birdml.annotations.names import read_mapping
from birdml.dataset.assemble import (
    FOR_TRAINING,
    VALID_BY,
    divide,
    each_sound_once,
    finish,
    named_once,
    places_in_train,
    sound_name,
    usable,
)
from birdml.dataset.audio import Converted, convert_all
from birdml.dataset.channels import channel_number
from birdml.dataset.circumstances import complete, read_tables
from birdml.dataset.claim import JOURNAL, claimed
from birdml.dataset.cut_groups import cuts_among, groups_of, parted
from birdml.dataset.decoding import versions
from birdml.dataset.labels import Vocabulary
from birdml.dataset.licences import counted
from birdml.dataset.listed import read_list, recordings_listed
from birdml.dataset.paths import contained
from birdml.dataset.prepared import (
    ADVICE,
    Dataset,
    Origin,
    write_dataset,
)
from birdml.dataset.problems import Problem, write_problems
from birdml.dataset.raw import RawRecording, Source, is_audio, safe_name, walk
from birdml.dataset.recorders import recorded_at
from birdml.dataset.recording import SPLITS
from birdml.dataset.repair import REPAIRS
from birdml.dataset.sources import LAYOUTS, demo_folder, read, recognise
from birdml.dataset.sources.table import NOISE_FOLDER
from birdml.errors import UserError
from birdml.forms import read_table
from birdml.machine import cores


@dataclass(frozen=True)
class Request:
    """What was asked for. Equal requests make equal datasets, on any machine."""

    source: str
    layout: str = "auto"
    audio: str = ""
    valid: str = "0.1"
    seed: int = 0
    columns: str = ""
    valid_by: str = "group"  # what train and valid must not share; see assemble.VALID_BY
    noise: str = ""  # a folder of recordings in which nothing sings
    channel: str = "mean"
    sites: str = ""  # tables and zone that tell when and where; see dataset.circumstances
    metadata: str = ""
    timezone: str = ""
    annotations: str = ""  # a table of marks in time, or a folder of them
    names: str = ""  # a table: what names in annotations mean
    mark_columns: str = ""


def prepare(
    request: Request,
    folder: Path,
    workers: int = 0,
    strict: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Dataset:
    """Makes the dataset in a folder that is new, or holds the same dataset, finished or not.

    `workers` 0 is one per core. Raises UserError for whatever is wrong with the request, and with
    `strict` where there was any problem at all (then `problems.csv` is there, but no dataset).
    """
    fraction, lines = _parse_valid(request.valid)
    channel_number(request.channel)
    if request.valid_by not in VALID_BY:
        raise UserError(f"valid_by='{request.valid_by}'; it can be {', '.join(VALID_BY)}")
    if request.valid_by != "group" and lines is not None:
        raise UserError("valid is a list: valid_by would decide nothing; give a fraction")
    if request.source == "demo":
        request = _with_demo(request, demo_folder(folder, request.seed))
    source, layout = _read_source(request, folder, say)
    if not source.recordings:
        first = f" (first problem: {_line(source.problems[0])})" if source.problems else ""
        raise UserError(f"'{request.source}' holds no recording that can be used{first}")
    problems = list(source.problems)
    recordings = named_once(source.recordings, problems)
    listed = None if lines is None else recordings_listed(lines, recordings, problems)
    marks = _marks(request, layout, recordings, problems)
    fingerprint = _fingerprint(recordings, fraction, listed, request, marks)
    with claimed(folder, fingerprint) as work:
        has_audio = any(r.audio for r in recordings)
        everything = recordings
        if has_audio:
            converted = convert_all(
                recordings,
                folder / "audio",
                work / JOURNAL,
                workers or cores(),
                source.prepared,
                request.channel,
            )
            recordings = usable(recordings, converted, problems)
            if not source.prepared:  # whose split is given, copies included
                recordings = each_sound_once(recordings, converted, listed, problems)
        else:
            converted = {}
        if not recordings:
            write_problems(folder, problems)
            raise UserError(f"no recording of '{request.source}' is left: {_line(problems[0])}")
        overlaps = []
        if has_audio and not source.prepared:
            overlaps = cuts_among(recordings, folder / "audio", source.reading, workers or cores())
        split = divide(
            recordings,
            fraction,
            listed,
            request.seed,
            problems,
            source.reading,
            request.valid_by,
            groups_of(overlaps),
        )
        problems += parted(overlaps, split, {r.file: r.origin for r in recordings})
        own = source.species or (preparing.species_of(recordings, marks) if marks else ())
        vocabulary = Vocabulary([r for r in recordings if split[r.file] in FOR_TRAINING], own)
        problems += vocabulary.overruled
        samples = {name: done.samples for name, done in converted.items()}
        finished = [
            finish(r, split[r.file], vocabulary, samples.get(r.file, 0), problems, source.reading)
            for r in recordings
        ]
        classes = [s.class_id for s in vocabulary.species]
        marked = preparing.of_dataset(marks, finished, classes, problems) if marks else None
        shared = places_in_train(finished)
        _sweep(folder / "audio", {r.file for r in finished} if has_audio else set())
        if strict and problems:
            write_problems(folder, problems)
            raise UserError(
                f"{len(set(problems))} problems, listed in '{folder / 'problems.csv'}'; without "
                "--strict they are accepted"
            )
        dataset = write_dataset(
            folder,
            folder.resolve().name,
            vocabulary.species,
            finished,
            _origins(everything, converted),
            problems,
            {
                "by": f"birdml {__version__}",
                "layout": layout,
                "source": Path(request.source).name,
                "valid": request.valid if listed is None else f"a list of {len(listed)}",
                "seed": request.seed,
                "valid_stands_for": "listed recordings" if listed else VALID_BY[request.valid_by],
                "request": fingerprint,
                **({} if not overlaps else {"cuts": len(overlaps)}),
                **_licences(recordings, split),
                **({} if shared is None else {"valid_places_in_train": round(shared, 4)}),
                **(versions() if has_audio else {}),
            },
            marked,
        )
        shutil.rmtree(work)
        return dataset


def _with_demo(request: Request, raw: Path) -> Request:
    """The demo's recordings of nothing and its annotations, where no others are asked for."""
    given: dict[str, Any] = {
        name: str(raw / folder)
        for name, folder in (("noise", "noise"), ("annotations", "annotations"))
        if not getattr(request, name) and (raw / folder).is_dir()
    }
    return replace(request, **given)


def _marks(
    request: Request, layout: str, recordings: list[RawRecording], problems: list[Problem]
) -> preparing.Given | None:
    """The marks asked for; unlabelled recordings take their species from them."""
    if not request.annotations:
        if request.names or request.mark_columns:
            raise UserError("names and mark_columns are of annotations: give annotations=... too")
        return None
    mapping = read_mapping(request.names) if request.names else {}
    path = Path(request.annotations)
    given = preparing.given(path, recordings, mapping, request.mark_columns, problems)
    return preparing.label_by_marks(recordings, given, layout == "folders", problems)


def _parse_valid(valid: str) -> tuple[float, list[str] | None]:
    """A fraction, or the lines of a file."""
    try:
        fraction = float(valid)
    except ValueError:
        path = Path(valid)
        if not path.is_file():
            raise UserError(
                f"valid={valid} is neither a fraction such as 0.1 nor a file that lists the "
                "validation recordings"
            ) from None
        return 0.0, read_list(path)
    if not 0 <= fraction < 1:
        raise UserError(f"valid={valid} must be at least 0 and less than 1")
    return fraction, None


def _read_source(request: Request, folder: Path, say: Callable[[str], None]) -> tuple[Source, str]:
    if request.layout not in ("auto", *LAYOUTS):
        raise UserError(
            f"layout '{request.layout}' is unknown; there are auto, {', '.join(LAYOUTS)}"
        )
    path, layout = Path(request.source), request.layout
    if request.source == "demo":
        path = demo_folder(folder, request.seed)
        layout, reason = "birdclef2018", "the built-in demo recordings come in it"
    elif layout == "auto":
        layout, reason = recognise(path, request.columns)
    else:
        reason = "the layout was given"
    say(f"source: taken for {layout}, because {reason}")
    audio = Path(request.audio) if request.audio else None
    for place in filter(None, (path if path.is_dir() else None, audio)):
        if folder.resolve().is_relative_to(place.resolve()):
            raise UserError(
                f"the dataset '{folder}' would lie inside its own source; put it beside"
            )
    source = read(path, layout, audio, request.columns)
    for note in source.notes:
        say(note)
    if request.noise:
        source.recordings += _noise(Path(request.noise), source.problems)
    base = audio or (path if path.is_dir() else path.parent)
    kept = []
    for recording in source.recordings:
        if contained(recording.file) is None:
            what = "left out: the name leads out of audio/, or can't be one"
            source.problems.append(Problem(recording.origin, "file", recording.file, what))
        else:
            kept.append(recording)
    source.recordings = kept
    for recording in source.recordings:
        if recording.audio and not recording.audio_name:
            recording.audio_name = Path(os.path.relpath(recording.audio, base)).as_posix()
    if request.sites or request.metadata or request.timezone:
        tables = read_tables(request.sites, request.metadata, request.timezone)
        for note in complete(source.recordings, tables, source.problems):
            say(note)
    return source, layout


def _noise(folder: Path, problems: list[Problem]) -> list[RawRecording]:
    """Every audio file of a folder, as a recording of nothing."""
    recordings = []
    for path in walk(folder, problems):
        if not is_audio(path):
            continue
        relative = path.relative_to(folder)
        name = "/".join(safe_name(part) for part in (*relative.parts[:-1], path.stem))
        recorded = recorded_at(path.stem)
        recordings.append(
            RawRecording(
                file=f"{NOISE_FOLDER}/{name}.wav",
                origin=f"{NOISE_FOLDER}: {relative.as_posix()}",
                audio=path,
                audio_name=f"{NOISE_FOLDER}: {relative.as_posix()}",
                fields={"date": recorded.date, "time": recorded.time},
                noise=True,
            )
        )
    if not recordings:
        raise UserError(f"noise: the folder '{folder}' holds no audio files")
    return recordings


def _fingerprint(
    recordings: Sequence[RawRecording],
    fraction: float,
    listed: frozenset[str] | None,
    request: Request,
    marks: preparing.Given | None = None,
) -> str:
    """Of everything that the result depends on but the inside of audio files."""
    digest = hashlib.sha256()
    for r in recordings:
        size = 0
        if r.audio:
            with suppress(OSError):
                size = r.audio.stat().st_size
        values: list[object] = [
            r.file,
            r.origin,
            r.split,
            r.class_id,
            r.latin,
            r.background,
            r.media_id,
        ]
        values += [sorted(r.fields.items()), r.edition, r.recordist, r.place, r.audio_name, size]
        digest.update(json.dumps(values).encode())
    chosen = sorted(listed) if listed is not None else fraction
    digest.update(json.dumps([chosen, request.seed]).encode())
    if (request.valid_by, request.channel) != (Request.valid_by, Request.channel):
        digest.update(json.dumps([request.valid_by, request.channel]).encode())
    if marks is not None:
        digest.update(marks.fingerprint.encode())
    return digest.hexdigest()[:16]


def _licences(recordings: Sequence[RawRecording], split: Mapping[str, str]) -> dict[str, list[str]]:
    """Under what the training recordings are, as far as the source says."""
    told = counted(r.licence for r in recordings if split[r.file] in ("train", "noise_train"))
    return {"licences": told} if told else {}


def _origins(recordings: Sequence[RawRecording], converted: dict[str, Converted]) -> list[Origin]:
    """The rows of audio.csv."""
    return [
        Origin(r.file, sound_name(r), done.source_hash, done.wav_hash, "; ".join(done.remarks))
        for r in recordings
        if (done := converted.get(r.file))
    ]


def _sweep(audio: Path, wanted: set[str]) -> None:
    """Removes what a killed run or a second copy left behind."""
    if not audio.is_dir():
        return
    for parent, folders, files in os.walk(audio, topdown=False):
        for name in files:
            path = Path(parent, name)
            if path.relative_to(audio).as_posix() not in wanted:
                path.unlink()
        for name in folders:
            with suppress(OSError):
                Path(parent, name).rmdir()  # only if empty


def _line(problem: Problem) -> str:
    return " ".join(text for text in (problem.file, problem.field, problem.done) if text)


def summary(dataset: Dataset) -> list[str]:
    """What a user wants to know at the end; the last line counts the problems."""
    counts = dataset.counts
    splits = ", ".join(f"{split} {counts[split]}" for split in SPLITS if counts[split])
    hours = f", {counts['seconds'] / 3600:.2f} h of audio" if dataset.has_audio else ", no audio"
    rows = [row for _, row in read_table(dataset.folder / "problems.csv", ("done",), ADVICE)]
    done = [row["done"].startswith("left out") for row in rows]
    listed = f", listed in {dataset.folder / 'problems.csv'}" if done else ""
    marks = ""
    if dataset.annotations is not None:
        marked = dataset.annotations
        marks = f", {len(marked)} marks in {len(marked.files)} recordings annotated through"
    lines = [
        f"dataset {dataset.name} ({dataset.digest}) at {dataset.folder}: "
        f"{counts['recordings']} recordings ({splits}) of {counts['species']} species"
        f"{hours}{marks}",
        *_said_of_fields(dataset),
        f"problems: {len(done)} ({sum(done)} left out, {len(done) - sum(done)} repaired or "
        f"left empty){listed}",
    ]
    return lines


def _said_of_fields(dataset: Dataset) -> list[str]:
    """Lines on fields of which nothing could be read, though the source has them, and on places
    that train and valid share."""
    path = dataset.folder / "problems.csv"
    empty: dict[str, int] = {}
    for _, row in read_table(path, ("field", "done"), ADVICE):
        if row["field"] in REPAIRS and row["done"].startswith("left empty"):
            empty[row["field"]] = empty.get(row["field"], 0) + 1
    lines = [
        f"{field}: none of {count} values could be read"
        for field, count in empty.items()
        if not any(getattr(r, field) not in ("", None) for r in dataset.recordings)
    ]
    if pairs := dataset.made.get("cuts"):
        lines.append(f"cuts of one recording: {pairs} pairs hold some of the same sound")
    shared = dataset.made.get("valid_places_in_train")
    if isinstance(shared, int | float) and shared > 0:
        lines.append(
            f"valid: {shared:.0%} of its recordings with a place come from places of train"
        )
    return lines
