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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from tqdm import tqdm

from birdml.dataset.channels import MEAN
from birdml.dataset.decoders.libsndfile import seconds_by_header
from birdml.dataset.decoders.notes import UnreadableAudio
from birdml.dataset.decoding import attempts, silent_decoders
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE
from birdml.encoders.embeddings import (
    About,
    Embeddings,
    Part,
    about_of,
    open_embeddings,
    write_embeddings,
)
from birdml.encoders.entries import Encoder
from birdml.encoders.pretrained import Pretrained, Session, encode, open_encoder
from birdml.encoders.windows import stream_windows
from birdml.errors import UserError
from birdml.files import cache_folder, shown, stamp_of, write_error, writing

PART_SECONDS = 600.0  # of audio: what a kill may cost each thread
NAMED = 5  # faulty recordings named in an error
BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.2f}/{total:.2f} h [{elapsed}<{remaining}]"


@dataclass(frozen=True)
class Sound:
    """A recording to be heard."""

    name: str
    path: Path
    seconds: float  # by its header, for shares and progress
    samples: Callable[[], np.ndarray] | None = None  # int16 [S], in place of what is at the path


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


def hear(pretrained: Pretrained, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The embeddings of one file, float32 [W, D], and the beginnings of its windows in seconds,
    float64 [W]. Raises UserError where it can't be read."""
    try:
        with silent_decoders():
            vectors, starts = _hear(
                pretrained.encoder, pretrained.start(), path, lambda seconds: None
            )
    except (UnreadableAudio, OSError) as error:
        raise UserError(f"cannot hear '{path}': {error}") from None
    return vectors, starts / pretrained.encoder.rate


def _compute(
    sounds: Sequence[Sound], source: str, encoder: Encoder, place: Path, jobs: int, faulty: bool
) -> Embeddings:
    about, names = about_of(encoder, source), _names(sounds)
    work = place.with_name(f".{place.name}.parts")
    with _locked(place.with_name(f".{place.name}.lock")):
        if found := open_embeddings(place, about, names):  # another process was faster
            return _used(found)
        files = _all_parts(sounds, about, open_encoder(encoder), work, jobs)
        told = [_read(file, "counts", "problems") for file in files]
        if not faulty:
            _refuse_faulty(sounds, [str(why) for _, problems in told for why in problems])
        windows = sum(int(counts.sum()) for counts, _ in told)
        write_embeddings(place, about, names, map(_read_part, files), windows)
        shutil.rmtree(work, ignore_errors=True)
    result = open_embeddings(place, about, names)
    if result is None:
        raise UserError(f"'{place}' was changed while it was written; run the same command again")
    return result


def _all_parts(
    sounds: Sequence[Sound], about: About, pretrained: Pretrained, work: Path, jobs: int
) -> list[Path]:
    """Computes what is missing of all parts; their files, in order."""
    groups = _groups(sounds)
    said = json.dumps([about.model_dump(), [[sound.name for sound in g] for g in groups]])
    key = hashlib.sha256(said.encode()).hexdigest()[:16]
    files = [work / f"{key}-{number}.npz" for number in range(len(groups))]
    done = [_finished(file) for file in files]
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
                _write_part(file, _embed(pretrained.encoder, session, group, advance))
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


def _embed(
    encoder: Encoder, session: Session, group: Sequence[Sound], advance: Callable[[float], None]
) -> Part:
    vectors, starts, counts, problems = [], [], [], []
    for sound in group:
        found, begin, problem = np.zeros((0, encoder.dimension), np.float32), np.zeros(0), ""
        try:
            if sound.samples is None:
                found, begin = _hear(encoder, session, sound.path, advance)
            else:
                found, begin = _hear_blocks(encoder, session, [sound.samples()], advance)
        except UnreadableAudio as error:
            problem = str(error)
        except OSError as error:
            problem = f"could not be decoded: {error.strerror or error}"
        with np.errstate(over="ignore"):  # told below
            small = found.astype(np.float16)
        if not np.isfinite(small).all():
            raise UserError(
                f"encoder '{encoder.name}': embeddings of '{sound.name}' are too large for half "
                "precision: give it a smaller scale"
            )
        vectors.append(small)
        starts.append(begin)
        counts.append(len(small))
        problems.append(problem)
    return Part(
        np.concatenate(vectors),
        np.concatenate(starts).astype(np.int64),
        np.array(counts, np.int64),
        tuple(problems),
    )


def _hear(
    encoder: Encoder, session: Session, path: Path, advance: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings float32 [W, D] and first samples [W] of a file; raises UnreadableAudio."""
    found, samples = (np.zeros((0, encoder.dimension), np.float32), np.zeros(0, np.int64)), 0
    for notes, blocks in attempts(path, MEAN):
        found = _hear_blocks(encoder, session, blocks, advance)
        samples = notes.samples
    if not samples:
        raise UnreadableAudio("no sound in it")
    return found


def _hear_blocks(
    encoder: Encoder,
    session: Session,
    blocks: Iterable[np.ndarray],
    advance: Callable[[float], None],
) -> tuple[np.ndarray, np.ndarray]:
    vectors: list[np.ndarray] = []
    starts: list[int] = []
    for start, window in stream_windows(blocks, encoder):
        vectors.append(encode(encoder, session, window[None]).embeddings[0])
        starts.append(start)
        advance(encoder.hop)
    return np.array(vectors, np.float32), np.array(starts, np.int64)


def _groups(sounds: Sequence[Sound]) -> list[list[Sound]]:
    """Neighbours together, about PART_SECONDS in each."""
    groups: list[list[Sound]] = [[]]
    seconds = 0.0
    for sound in sounds:
        if seconds >= PART_SECONDS:
            groups.append([])
            seconds = 0.0
        groups[-1].append(sound)
        seconds += sound.seconds + 1  # what opening a file costs
    return groups


def _write_part(file: Path, part: Part) -> None:
    with writing(file) as target:
        np.savez(
            target,
            vectors=part.vectors,
            starts=part.starts,
            counts=part.counts,
            problems=np.array(part.problems, np.str_),
        )


def _read_part(file: Path) -> Part:
    vectors, starts, counts, problems = _read(file, *Part._fields)
    return Part(vectors, starts, counts, tuple(problems.tolist()))


def _finished(file: Path) -> bool:
    """Whether a part is there and without faults: what could not be read may be readable now."""
    with suppress(UserError):
        (problems,) = _read(file, "problems")
        return not any(problems)
    return False


def _read(file: Path, *names: str) -> list[np.ndarray]:
    """Arrays of a part. Raises UserError where it is not there, or damaged."""
    try:
        with np.load(file, allow_pickle=False) as there:
            return [there[name] for name in names]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise UserError(
            f"'{file}' can't be read ({error}); remove it, and run the same command again"
        ) from None


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


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Waits until no other process works at the same; the lock ends with the process."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "w")  # noqa: SIM115  (it must outlive this block)
    except OSError as error:
        raise write_error(error, path) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
