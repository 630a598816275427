"""Many files by several threads: while the networks hear one, others are decoded and written.

Results are those of one thread, in its order: what goes through the networks at once is never more
or less than by one thread, and with as many threads of the library below as ever, since both would
change the last bits. Pieces of one long file are computed side by side where there is room.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch

from birdml.dataset.addresses import give_up_on
from birdml.machine import cores
from birdml.prediction.hearing import Heard, How, hear
from birdml.prediction.sources import Place

Progress = Callable[[float], object]
Todo = Iterable[tuple[str, Place]]


def one_by_one(how: How, out: Place, todo: Todo, progress: Progress) -> Iterator[Heard]:
    """Each file after the other; `todo` are names and places."""
    for name, place in todo:
        yield hear(how, out, name, place, progress)


class SideBySide:
    """Several files at once, answered in the order of `todo`."""

    def __init__(self, jobs: int):
        self.jobs = jobs

    def __call__(self, how: How, out: Place, todo: Todo, progress: Progress) -> Iterator[Heard]:
        device = {str(p.device.type) for m, _ in how.members for p in m.network.parameters()}
        at_once = 1 if device - {"cpu"} else max(1, cores() // torch.get_num_threads())
        at_once = min(at_once, self.jobs)
        turn = threading.BoundedSemaphore(at_once)
        stopped = threading.Event()

        def step(seconds: float) -> None:
            if stopped.is_set():
                raise _Stopped
            progress(seconds)

        def work(name: str, place: Place, spread: "Helpers") -> Heard | None:
            if stopped.is_set():
                return None
            try:
                return hear(how, out, name, place, step, turn, spread)
            except _Stopped:
                return None

        waiting: deque[Future] = deque()
        with (
            ThreadPoolExecutor(at_once, "help") as helpers,
            ThreadPoolExecutor(self.jobs, "hear", give_up_on, (stopped,)) as threads,
        ):
            spread = Helpers(helpers, turn, 2 * at_once)
            try:
                for name, place in todo:
                    waiting.append(threads.submit(work, name, place, spread))
                    if len(waiting) > 2 * self.jobs:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                stopped.set()


class Helpers:
    """As `map` for a thread that has its turn: computes things itself, and others by helpers for
    as long as there are turns that nobody takes. At most `ahead` answers wait for theirs."""

    def __init__(self, threads: ThreadPoolExecutor, turn: threading.Semaphore, ahead: int):
        self._threads, self._turn, self._ahead = threads, turn, ahead

    def __call__(self, function: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
        waiting: deque[Future] = deque()
        for thing in things:
            if self._turn.acquire(blocking=False):
                waiting.append(self._threads.submit(self._help, function, thing))
            else:
                own: Future = Future()
                own.set_result(function(thing))
                waiting.append(own)
            while waiting and (waiting[0].done() or len(waiting) > self._ahead):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    @torch.inference_mode()  # which is of a thread
    def _help(self, function: Callable[[Any], Any], thing: Any) -> Any:
        try:
            return function(thing)
        finally:
            self._turn.release()


class _Stopped(Exception):
    pass
