"""`predict` on files over the machines of a Ray cluster, which share a file system.

Tasks rather than Ray Data: a task answers with lines of the journal and writes its results itself,
whole or not at all, so that one that is done again after its machine was lost does no harm. Only
the command writes the journal, in the order of the files.
"""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import soundfile
import torch

from birdml.errors import UserError
from birdml.jobs.ray_cluster import connected
from birdml.prediction.hearing import Heard, How, hear
from birdml.prediction.side_by_side import Progress, Todo

COMPUTING = 600.0  # seconds that a chunk shall take
FIRST = 600.0  # seconds of audio of chunks, until it is known how fast they are
USUAL = 88200.0  # bytes per second of audio, of files whose header tells no length

Chunk = list[tuple[str, str]]


def on_ray(how: How, out: Path, todo: Todo, progress: Progress) -> Iterator[Heard]:
    """Hears files in chunks of about ten minutes of computing, balanced by their seconds of audio.

    Each task computes with as many threads as this process would, so that results are the same to
    the byte. A chunk whose machine is lost is done again. Raises UserError where Ray is not there,
    or a task could not write.
    """
    ray = connected()
    threads = torch.get_num_threads()
    nodes = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    cpus = max(1, min(threads, int(min(filter(None, nodes), default=1))))
    device = next((p.device.type for m, _ in how.members for p in m.network.parameters()), "cpu")
    task = ray.remote(num_cpus=cpus, num_gpus=int(device == "cuda"), max_retries=-1)(_hear_chunk)
    shared, slots = ray.put(how), 2 * max(1, int(sum(nodes)) // cpus)
    waiting: deque[Any] = deque()
    chunks = _Chunks(todo)
    try:
        for chunk in chunks:
            waiting.append(task.remote(shared, str(out.absolute()), chunk, threads))
            if len(waiting) >= slots:
                yield from _answer(ray, waiting.popleft(), chunks, progress)
        while waiting:
            yield from _answer(ray, waiting.popleft(), chunks, progress)
    finally:
        for reference in waiting:
            ray.cancel(reference)


class _Chunks:
    """Files in chunks that grow to COMPUTING seconds once it is known how fast they are heard."""

    def __init__(self, todo: Todo):
        self._todo = iter(todo)
        self.target = FIRST

    def __iter__(self) -> Iterator[Chunk]:
        chunk: Chunk = []
        seconds = 0.0
        for name, path in self._todo:
            chunk.append((name, str(path.absolute())))
            seconds += _seconds(path)
            if seconds >= self.target:
                yield chunk
                chunk, seconds = [], 0.0
        if chunk:
            yield chunk

    def heard(self, seconds: float, taken: float) -> None:
        """A chunk took so long: the next ones shall take COMPUTING seconds."""
        if seconds and taken:
            self.target = max(FIRST, min(COMPUTING * seconds / taken, 4 * self.target))


def _answer(ray: Any, reference: Any, chunks: _Chunks, progress: Progress) -> list[Heard]:
    try:
        heard, taken = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise error.cause from None
        raise
    seconds = sum(one.entry.seconds for one in heard)
    chunks.heard(seconds, taken)
    progress(seconds)
    return heard


def _hear_chunk(how: How, out: str, chunk: Chunk, threads: int) -> tuple[list[Heard], float]:
    """Runs on some machine: the journal's lines of some files, and the seconds it took."""
    torch.set_num_threads(threads)
    begin = monotonic()
    heard = [hear(how, Path(out), name, Path(path)) for name, path in chunk]
    return heard, monotonic() - begin


def _seconds(path: Path) -> float:
    """Length by the header, else by the size."""
    try:
        return soundfile.info(os.fsencode(path)).duration
    except (OSError, soundfile.LibsndfileError, TypeError, RuntimeError, ValueError):
        try:
            return path.stat().st_size / USUAL
        except OSError:
            return 0.0
