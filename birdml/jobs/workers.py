"""Several models at once on this machine: processes that share the work, and one that watches.

Each worker is the loop of `train_models`; nothing but the store tells them apart, so a worker
that dies leaves its model to the others. This module run as a program is the worker.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from birdml import log
from birdml.errors import UserError
from birdml.jobs.in_turn import train_models
from birdml.jobs.live_table import LiveTable
from birdml.jobs.request import TrainOptions, TrainRequest, prepare_request
from birdml.machine import cores
from birdml.tracking import store
from birdml.tracking.interrupts import interrupt_on_termination
from birdml.tracking.ledger import StoreLedger
from birdml.training.zoo_run import Outcome

if TYPE_CHECKING:
    from birdml.tracking.client import Store

ROOT = Path(__file__).parent.parent.parent
REFRESH_SECONDS = 3.0
MARK = "birdml-outcome "  # begins the lines that tell the watcher what became of a model
ELSEWHERE = "failed in another process"


def train_in_workers(
    options: TrainOptions, request: TrainRequest, client: "Store", ledger: StoreLedger
) -> dict[str, Outcome]:
    """Trains with `options.jobs` processes and shows how far they are; their errors are shown.

    Ctrl-C is passed on to the workers, which mark their runs and give their claims back; a second
    one ends them at once.
    """
    names = list(request.recipes)
    told: dict[str, list[Outcome]] = {name: [] for name in names}
    missing = [name for name in names if not ledger.finished(name)]
    table = LiveTable(client, request)
    lines: queue.Queue[tuple[int, str]] = queue.Queue()
    workers: list[subprocess.Popen] = []
    try:
        for _ in range(min(options.jobs, len(missing))):
            workers.append(_start(options))
            reader = threading.Thread(
                target=_read, args=(len(workers), workers[-1], lines), daemon=True
            )
            reader.start()
        ended = 0
        table.refresh()
        while ended < len(workers):
            with suppress(queue.Empty):
                number, line = lines.get(timeout=REFRESH_SECONDS)
                if line.startswith(MARK):
                    _note(table, told, json.loads(line.removeprefix(MARK)))
                elif line:
                    table.write(f"[worker {number}] {line}")
                else:
                    ended += 1
                    if (code := workers[number - 1].wait()) < 0:
                        table.write(f"worker {number} was ended by {signal.Signals(-code).name}")
                if not lines.empty():
                    continue
            table.refresh()
    finally:
        _end(workers)
        table.close()
    return {name: _together(told[name]) if name in missing else Outcome("there") for name in names}


def _start(options: TrainOptions) -> subprocess.Popen:
    """A worker; it ends when its input does, so also when this process is killed."""
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_RUN_ID"}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    threads = max(1, cores() // options.jobs)
    with suppress(KeyError, ValueError):
        threads = min(threads, int(os.environ["OMP_NUM_THREADS"]))
    environment["OMP_NUM_THREADS"] = str(threads)  # torch takes it too
    return subprocess.Popen(
        [sys.executable, "-m", "birdml.jobs.workers", json.dumps(asdict(options))],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # a terminal's ctrl-C is ours to pass on
    )


def _read(number: int, worker: subprocess.Popen, lines: "queue.Queue[tuple[int, str]]") -> None:
    assert worker.stdout is not None
    for line in worker.stdout:
        if line.strip():
            lines.put((number, line.rstrip()))
    lines.put((number, ""))


def _note(table: LiveTable, told: dict[str, list[Outcome]], message: list[str]) -> None:
    name, outcome = message[0], Outcome(*message[1:])
    broken = outcome.state in ("failed", "blocked")
    if broken and outcome.reason != ELSEWHERE and outcome not in told[name]:
        table.write(outcome.in_words(name))
    told[name].append(outcome)


def _together(told: list[Outcome]) -> Outcome:
    """What became of a model, by all workers: the one that had it knows best."""
    if not told:
        return Outcome("failed", "the process that had it ended")
    ranks = ("finished", "there", "failed", "blocked")
    return min(told, key=lambda outcome: (ranks.index(outcome.state), outcome.reason == ELSEWHERE))


def _end(workers: list[subprocess.Popen]) -> None:
    """Ends what still runs; whoever can't wait for that interrupts again."""
    try:
        for worker in workers:
            if worker.poll() is None:
                worker.terminate()
        for worker in workers:
            worker.wait()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _interrupt_without_watcher() -> None:
    sys.stdin.read()  # ends when the watcher does, however it ends
    os.kill(os.getpid(), signal.SIGTERM)


@log.shown()
def main() -> int:
    """A worker: trains with the options in the first argument; the exit code of `train`."""
    interrupt_on_termination()
    threading.Thread(target=_interrupt_without_watcher, daemon=True).start()

    def report(name: str, outcome: Outcome) -> None:
        print(MARK + json.dumps([name, outcome.state, outcome.reason]), flush=True)

    try:
        request = prepare_request(TrainOptions(**json.loads(sys.argv[1])))
        client = store.connect()
        ledger = StoreLedger(client, request.dataset.digest, request.identities)
        train_models(client, request, ledger, list(request.recipes), False, report)
    except UserError as error:
        print(f"error: {error}", flush=True)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the thread that waits for the watcher must not hold us up
