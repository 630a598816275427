"""A source's recordings converted, each kept once, divided, repaired and written as a dataset."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from birdml import __version__
from birdml.annotations import preparing
from birdml.dataset.assemble import each_sound_once, finish, named_once, sound_name, usable
from birdml.dataset.audio import Converted, convert_all
from birdml.dataset.claim import JOURNAL, claimed
from birdml.dataset.cut_groups import cuts_among, groups_of, parted
from birdml.dataset.decoding import versions
from birdml.dataset.dividing import VALID_BY, divide, places_in_train
from birdml.dataset.labels import Vocabulary
from birdml.dataset.licences import counted
from birdml.dataset.listed import recordings_listed
from birdml.dataset.prepared import Dataset
from birdml.dataset.problems import Problem, write_problems
from birdml.dataset.raw import FOR_TRAINING, RawRecording
from birdml.dataset.recording import NOISE_TRAIN
from birdml.dataset.writing import Origin, write_dataset
from birdml.errors import UserError
from birdml.machine import cores
from birdml.prepare.request import Request, fingerprint, validation
from birdml.prepare.source import located, read_given_marks, read_source


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
    fraction, lines = validation(request)
    request, path = located(request, folder)
    source, layout = read_source(request, path, folder, say)
    if not source.recordings:
        first = f" (first problem: {_line(source.problems[0])})" if source.problems else ""
        raise UserError(f"'{request.source}' holds no recording that can be used{first}")
    problems = list(source.problems)
    recordings = named_once(source.recordings, problems)
    listed = None if lines is None else recordings_listed(lines, recordings, problems)
    marks = read_given_marks(request, layout, recordings, problems)
    key = fingerprint(recordings, fraction, listed, request, marks)
    with claimed(folder, key) as work:
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
                "request": key,
                **({} if not overlaps else {"cuts": len(overlaps)}),
                **_licences(recordings, split),
                **({} if shared is None else {"valid_places_in_train": round(shared, 4)}),
                **(versions() if has_audio else {}),
            },
            marked,
        )
        shutil.rmtree(work)
        return dataset


def _licences(recordings: Sequence[RawRecording], split: Mapping[str, str]) -> dict[str, list[str]]:
    """Under what the training recordings are, as far as the source says."""
    told = counted(r.licence for r in recordings if split[r.file] in ("train", NOISE_TRAIN))
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
