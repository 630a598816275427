"""Everything of a source that a dataset is made of: recordings, those of nothing, and marks."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from birdml.annotations import preparing
from birdml.annotations.names import read_mapping
from birdml.dataset.circumstances import complete, read_tables
from birdml.dataset.paths import contained
from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording, Source, is_audio, safe_name, walk
from birdml.dataset.recorders import recorded_at
from birdml.dataset.sources import LAYOUTS, demo_folder, read, recognise
from birdml.dataset.sources.table import NOISE_FOLDER
from birdml.errors import UserError
from birdml.prepare.request import Request


def located(request: Request, folder: Path) -> tuple[Request, Path]:
    """The request, and where its raw recordings lie.

    The demo's are made beside the dataset where they are not there yet; its recordings of nothing
    and its annotations belong to the request where that names no others.
    """
    if request.source != "demo":
        return request, Path(request.source)
    raw = demo_folder(folder, request.seed)
    given: dict[str, Any] = {
        name: str(raw / name)
        for name in ("noise", "annotations")
        if not getattr(request, name) and (raw / name).is_dir()
    }
    return replace(request, **given), raw


def read_source(
    request: Request, path: Path, folder: Path, say: Callable[[str], None]
) -> tuple[Source, str]:
    """The recordings that lie at a path, and the layout that they were taken to have.

    Each has a name that stays below `audio/`, the others are listed as problems; what tables tell
    of when and where is in it. `say` gets what was decided. Raises UserError where the source is
    missing, is of no known layout, or the dataset's folder would lie inside it.
    """
    layout, reason = _layout(request, path)
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
    _keep_contained(source)
    base = audio or (path if path.is_dir() else path.parent)
    for recording in source.recordings:
        if recording.audio and not recording.audio_name:
            recording.audio_name = Path(os.path.relpath(recording.audio, base)).as_posix()
    if request.sites or request.metadata or request.timezone:
        tables = read_tables(request.sites, request.metadata, request.timezone)
        for note in complete(source.recordings, tables, source.problems):
            say(note)
    return source, layout


def _layout(request: Request, path: Path) -> tuple[str, str]:
    """The layout of a source, and why it is taken for it."""
    if request.layout not in ("auto", *LAYOUTS):
        raise UserError(
            f"layout '{request.layout}' is unknown; there are auto, {', '.join(LAYOUTS)}"
        )
    if request.source == "demo":
        return "birdclef2018", "the built-in demo recordings come in it"
    if request.layout == "auto":
        return recognise(path, request.columns)
    return request.layout, "the layout was given"


def _keep_contained(source: Source) -> None:
    """Leaves out recordings whose names lead out of the dataset."""
    kept = []
    for recording in source.recordings:
        if contained(recording.file) is None:
            what = "left out: the name leads out of audio/, or can't be one"
            source.problems.append(Problem(recording.origin, "file", recording.file, what))
        else:
            kept.append(recording)
    source.recordings = kept


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


def read_given_marks(
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
