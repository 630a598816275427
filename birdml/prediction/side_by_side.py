"""Many files by several threads: while the networks hear one, others are decoded and written.

Results are those of one thread, in its order: each file goes through the networks alone, and with
as many threads of the library below as ever, since both would change the last bits.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from birdml.machine import cores
from birdml.prediction.hearing import Heard, How, hear
from birdml.prediction.sources import Place

Progress = Callable[[float], object]
Todo = Iterable[tuple[str, Place]]


def one_by_one(how: How, out: Place, todo: Todo, progress: Progress) -> Iterator[Heard]:
    """Each file after the other; `todo` are names and paths."""
    for name, path in todo:
        yield hear(how, out, name, path, progress)


class SideBySide:
    """Several files at once, answered in the order of `todo`."""

    def __init__(self, jobs: int):
        self.jobs = jobs

    def __call__(self, how: How, out: Place, todo: Todo, progress: Progress) -> Iterator[Heard]:
        device = {str(p.device.type) for m, _ in how.members for p in m.network.parameters()}
        at_once = 1 if device - {"cpu"} else max(1, cores() // torch.get_num_threads())
        turn = threading.BoundedSemaphore(min(at_once, self.jobs))
        stopped = threading.Event()

        def step(seconds: float) -> None:
            if stopped.is_set():
                raise _Stopped
            progress(seconds)

        def work(name: str, path: Place) -> Heard | None:
            if stopped.is_set():
                return None
            try:
                return hear(how, out, name, path, step, turn)
            except _Stopped:
                return None

        waiting: deque[Future] = deque()
        with ThreadPoolExecutor(self.jobs, "hear") as threads:
            try:
                for name, path in todo:
                    waiting.append(threads.submit(work, name, path))
                    if len(waiting) > 2 * self.jobs:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                stopped.set()


class _Stopped(Exception):
    pass
