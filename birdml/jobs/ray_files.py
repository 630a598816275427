"""`predict` on files over the machines of a Ray cluster, which share a file system or a store.

Tasks rather than Ray Data: a task answers with lines of the journal and writes its results itself,
whole or not at all, so that one that is done again after its machine was lost does no harm. Only
the command writes the journal, in the order of the files.
"""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import torch

from birdml import log
from birdml.dataset.decoders.libsndfile import seconds_by_header
from birdml.errors import UserError
from birdml.jobs.ray_cluster import connected
from birdml.prediction.hearing import Heard, How, hear
from birdml.prediction.side_by_side import Progress, Todo
from birdml.prediction.sources import Place, stamp_at

COMPUTING = 600.0  # seconds that a chunk shall take
FIRST = 600.0  # seconds of audio of chunks, until it is known how fast they are
USUAL = 88200.0  # bytes per second of audio, of files whose header tells no length

PASSED_ON = ("AWS_", "AZURE_", "GOOGLE_", "FSSPEC_")  # of the environment, for stores

Chunk = list[tuple[str, Place]]


def on_ray(how: How, out: Place, todo: Todo, progress: Progress) -> Iterator[Heard]:
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
    environment = {key: v for key, v in os.environ.items() if key.startswith(PASSED_ON)}
    try:
        for chunk in chunks:
            waiting.append(task.remote(shared, _anywhere(out), chunk, threads, environment))
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
        for name, place in self._todo:
            chunk.append((name, _anywhere(place)))
            seconds += _seconds(place)
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


@log.shown()
def _hear_chunk(
    how: How, out: Place, chunk: Chunk, threads: int, environment: Mapping[str, str]
) -> tuple[list[Heard], float]:
    """Runs on some machine: the journal's lines of some files, and the seconds it took."""
    os.environ.update(environment)
    torch.set_num_threads(threads)
    begin = monotonic()
    heard = [hear(how, out, name, place) for name, place in chunk]
    return heard, monotonic() - begin


def _anywhere(place: Place) -> Place:
    return place.absolute() if isinstance(place, Path) else place


def _seconds(place: Place) -> float:
    """Length by the header, else by the size."""
    told = seconds_by_header(place) if isinstance(place, Path) else None
    return told if told is not None else int(stamp_at(place).partition(" ")[0] or 0) / USUAL
