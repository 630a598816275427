"""Embeddings of many recordings: in parts, by several threads, and restartable.

Recordings are grouped into parts of some minutes. A finished part is a file that was written
beside and renamed: whatever is killed at any moment, the next start does the other parts. A
window's embedding depends on nothing but its recording, so neither the number of threads nor the
grouping changes a bit of the result. The runtimes leave Python's lock while they compute, so
threads, each with a session of its own, use all cores.
"""

import hashlib
import json
import os
import queue
import shutil
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from birdml.dataset.decoders.libsndfile import seconds_by_header
from birdml.dataset.decoding import silent_decoders
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE
from birdml.encoders.embeddings import (
    About,
    Embeddings,
    about_of,
    open_embeddings,
    write_embeddings,
)
from birdml.encoders.entries import Encoder
from birdml.encoders.part_files import grouped, is_finished, read_arrays, read_part, write_part
from birdml.encoders.pretrained import Pretrained, Session, open_encoder
from birdml.encoders.sounds import Sound, embed_sounds
from birdml.errors import UserError
from birdml.files import cache_folder, locked, shown, stamp_of

NAMED = 5  # faulty recordings named in an error
BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.2f}/{total:.2f} h [{elapsed}<{remaining}]"


class _Stopped(Exception):
    pass


def embed_dataset(dataset: Dataset, encoder: Encoder, jobs: int = 1) -> Embeddings:
    """The embeddings of a dataset's recordings, computed where they are not there.

    They lie in `embeddings/<encoder>/` beside its audio, or in the user's cache where nothing can
    be written there. Raises UserError where it has no audio, or some of it can't be read.
    """
    sounds = [
        Sound(r.file, dataset.audio_path(r), r.samples / SAMPLE_RATE)
        for r in dataset.recordings
        if r.samples
    ]
    if not sounds:
        raise UserError(
            f"the dataset at '{dataset.folder}' has no audio: an encoder has nothing to hear; "
            "prepare one with audio"
        )
    return embed_beside(dataset, sounds, dataset.digest, encoder, encoder.name, jobs)


def embed_beside(
    dataset: Dataset, sounds: Sequence[Sound], source: str, encoder: Encoder, name: str, jobs: int
) -> Embeddings:
    """Embeddings of sounds that belong to a dataset: `embeddings/<name>/` in its folder, or in the
    user's cache where nothing can be written there. `source` tells what they are of."""
    places = [
        dataset.folder / "embeddings" / name,
        cache_folder() / f"embeddings-{dataset.digest}-{name}",
    ]
    writable = os.access(dataset.folder, os.W_OK)
    for place in places[:1] if writable else places:
        if found := open_embeddings(place, about_of(encoder, source), _names(sounds)):
            return _used(found)
    place = places[0] if writable else places[1]
    return _compute(sounds, source, encoder, place, jobs, faulty=False)


def embed_files(files: Mapping[str, Path], encoder: Encoder, jobs: int = 1) -> Embeddings:
    """The embeddings of audio files of any format by their names, kept in the user's cache.

    The same files, by place, size and time of change, are not heard again. What can't be read has
    no windows, and the embeddings tell why.
    """
    sounds = [Sound(name, path, seconds_by_header(path) or 0.0) for name, path in files.items()]
    said = json.dumps(
        [[shown(s.name), shown(str(s.path.absolute())), stamp_of(s.path)] for s in sounds]
    )
    source = hashlib.sha256(said.encode()).hexdigest()[:32]
    place = cache_folder() / f"embeddings-{source}-{encoder.name}"
    if found := open_embeddings(place, about_of(encoder, source), _names(sounds)):
        return _used(found)
    return _compute(sounds, source, encoder, place, jobs, faulty=True)


def _compute(
    sounds: Sequence[Sound], source: str, encoder: Encoder, place: Path, jobs: int, faulty: bool
) -> Embeddings:
    about, names = about_of(encoder, source), _names(sounds)
    work = place.with_name(f".{place.name}.parts")
    with locked(place.with_name(f".{place.name}.lock")):
        if found := open_embeddings(place, about, names):  # another process was faster
            return _used(found)
        files = _all_parts(sounds, about, open_encoder(encoder), work, jobs)
        told = [read_arrays(file, "counts", "problems") for file in files]
        if not faulty:
            _refuse_faulty(sounds, [str(why) for _, problems in told for why in problems])
        windows = sum(int(counts.sum()) for counts, _ in told)
        write_embeddings(place, about, names, map(read_part, files), windows)
        shutil.rmtree(work, ignore_errors=True)
    result = open_embeddings(place, about, names)
    if result is None:
        raise UserError(f"'{place}' was changed while it was written; run the same command again")
    return result


def _all_parts(
    sounds: Sequence[Sound], about: About, pretrained: Pretrained, work: Path, jobs: int
) -> list[Path]:
    """Computes what is missing of all parts; their files, in order."""
    groups = grouped(sounds)
    said = json.dumps([about.model_dump(), [[sound.name for sound in g] for g in groups]])
    key = hashlib.sha256(said.encode()).hexdigest()[:16]
    files = [work / f"{key}-{number}.npz" for number in range(len(groups))]
    done = [is_finished(file) for file in files]
    sessions: queue.SimpleQueue[Session] = queue.SimpleQueue()
    jobs = max(1, min(jobs, done.count(False)))
    for _ in range(jobs):
        sessions.put(pretrained.start())
    hours = sum(sound.seconds for sound in sounds) / 3600
    stop, lock = threading.Event(), threading.Lock()
    with (
        silent_decoders() as screen,
        tqdm(total=hours, disable=None, file=screen, bar_format=BAR, desc=about.encoder) as bar,
        ThreadPoolExecutor(jobs) as pool,
    ):

        def advance(seconds: float) -> None:
            if stop.is_set():
                raise _Stopped
            with lock:
                bar.update(seconds / 3600)

        def part(group: Sequence[Sound], file: Path) -> None:
            session = sessions.get()
            try:
                write_part(file, embed_sounds(pretrained.encoder, session, group, advance))
            finally:
                sessions.put(session)

        tasks = []
        for group, file, there in zip(groups, files, done):
            if there:
                advance(sum(sound.seconds for sound in group))
            else:
                tasks.append(pool.submit(part, group, file))
        try:
            for task in as_completed(tasks):
                task.result()
                with suppress(OSError):
                    os.utime(work)  # the cache keeps what is being worked at
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    return files


def _refuse_faulty(sounds: Sequence[Sound], problems: Sequence[str]) -> None:
    faults = [f"{sound.name} ({why})" for sound, why in zip(sounds, problems, strict=True) if why]
    if faults:
        more = f" and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
        raise UserError(
            f"{len(faults)} recordings of the dataset can't be heard: "
            f"{', '.join(faults[:NAMED])}{more}; prepare the dataset again"
        )


def _names(sounds: Sequence[Sound]) -> list[str]:
    return [sound.name for sound in sounds]


def _used(embeddings: Embeddings) -> Embeddings:
    """Marks embeddings as used, since the cache drops what was not for the longest time."""
    with suppress(OSError):
        os.utime(embeddings.folder)
    return embeddings
