"""How far each model of a request is: read from the store, drawn in place on a terminal by rich.

The store is asked, not the trainings: what other processes and machines do is shown as well. Where
the output is no terminal, there is a line for each change and nothing else.
"""

import contextlib
import math
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from birdml.jobs.request import TrainRequest
from birdml.screen import figure, table_text
from birdml.tracking import runs
from birdml.tracking.retry import is_away
from birdml.training.patience import Patience
from birdml.zoo.parts import Passes, Patient
from birdml.zoo.recipe import Recipe

if TYPE_CHECKING:
    from birdml.tracking.client import Run, Store

STATES = {"RUNNING": "training", "FAILED": "failed", "KILLED": "interrupted"}
HEADS = ("model", "state", "epoch", "MAP", "left")
ORDER = ("training", "failed", "interrupted", "blocked", "waiting", "finished")


@dataclass(frozen=True)
class Row:
    """One model: `state` is one of ORDER, `epoch` counts those done, `left` is in seconds."""

    name: str
    state: str
    epoch: int = 0
    best_map: float | None = None
    left: float | None = None  # if no epoch gets better any more: a better one adds to it


def seconds_left(recipe: Recipe, criteria: Sequence[float], seconds: float) -> float:
    """How long a training goes on if nothing gets better any more.

    `criteria` are those that patience judged, one for each epoch; an epoch takes `seconds`.
    """
    if isinstance(recipe, Passes):
        return max(0, recipe.epochs - len(criteria)) * seconds
    if not isinstance(recipe, Patient):
        return 0.0
    patience = Patience(recipe.patience, recipe.patience_trials)
    for criterion in criteria:
        patience.judge(criterion)
    waiting = (patience.trials - patience.trials_over) * patience.epochs - patience.waited
    return max(0, min(waiting, recipe.epochs - len(criteria))) * seconds


def epoch_seconds(begin: float, ends: Sequence[float]) -> float:
    """The usual length of an epoch, by when the last ones ended; breaks in between don't count."""
    times = [begin, *ends][-6:]
    return statistics.median(later - earlier for earlier, later in pairwise(times))


class LiveTable:
    """The table of a request; `refresh` asks the store and shows what is new."""

    def __init__(self, client: "Store", request: TrainRequest, out: TextIO | None = None):
        self.client, self.request, self.out = client, request, out or sys.stdout
        self.began = time.monotonic()
        self._console = Console(
            file=self.out, force_terminal=self.out.isatty(), color_system=None, markup=False
        )
        self._live: Live | None = None  # from when there is something on the terminal
        self._shown: dict[str, Row] = {}
        self._finished = runs.FinishedRuns(client, request.dataset.digest)
        # What failed or was interrupted before waits for its next attempt.
        self._over = {(r.info.run_id, r.info.end_time) for r in self._newest().values()}
        self._shown = {row.name: row for row in self.rows()}

    def rows(self) -> list[Row]:
        """Every model of the request as the store has it now."""
        newest = self._newest()
        found: dict[str, Row] = {}
        for name, recipe in self.request.recipes.items():  # needs come first
            row = self._row(name, recipe, newest.get(self.request.identities[name]))
            broken = any(found[need].state in ("failed", "blocked") for need in recipe.needs)
            found[name] = Row(name, "blocked") if broken and row.state == "waiting" else row
        return list(found.values())

    def refresh(self) -> None:
        """Shows what has changed; a store that is away changes nothing."""
        try:
            rows = self.rows()
        except Exception as error:
            if not is_away(error):
                raise
            return
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._draw(rows)
        else:
            for row in rows:
                if row.state != self._shown[row.name].state:
                    print(_line(row), file=self.out, flush=True)
        self._shown = {row.name: row for row in rows}

    def write(self, text: str) -> None:
        """A line of text above the table."""
        if self._live is None:
            print(text, file=self.out, flush=True)
        else:
            self._console.out(text, highlight=False)

    def close(self) -> None:
        """Takes the table off the terminal: the summary comes in its place."""
        with contextlib.suppress(Exception):
            self.refresh()
        if self._live is not None:
            self._live.stop()
            self._live = None
        self.out.flush()

    def _newest(self) -> "dict[str, Run]":
        """Identity -> its newest run, or the finished one."""
        digest = self.request.dataset.digest
        others = runs.search(
            self.client,
            f"tags.`birdml.dataset_digest` = '{digest}' and attributes.status != 'FINISHED'",
        )
        newest = {run.data.tags.get("birdml.identity", ""): run for run in reversed(others)}
        return newest | self._finished.by_identity()

    def _row(self, name: str, recipe: Recipe, run: "Run | None") -> Row:
        if run is None:
            return Row(name, "waiting")
        metrics = run.data.metrics
        if run.info.status == "FINISHED":
            return Row(name, "finished", int(metrics.get("training/epochs", 0)), metrics.get("map"))
        state = STATES.get(run.info.status, "waiting")
        if state != "training" and (run.info.run_id, run.info.end_time) in self._over:
            state = "waiting"
        if "valid_map" not in metrics:
            return Row(name, state)
        maps = self.client.curve(run.info.run_id, "valid_map")
        best = max(m.value for m in maps)
        if state != "training":
            return Row(name, state, len(maps), best)
        if not isinstance(recipe, Patient) or recipe.patience_criterion == "valid_map":
            criteria = [-m.value for m in maps]
        else:
            criteria = [m.value for m in self.client.curve(run.info.run_id, "valid_loss")]
        ends = [m.timestamp / 1000 for m in maps]
        seconds = epoch_seconds(run.info.start_time / 1000, ends)
        return Row(name, state, len(maps), best, seconds_left(recipe, criteria, seconds))

    def _draw(self, rows: Sequence[Row]) -> None:
        counts = {state: sum(row.state == state for row in rows) for state in ORDER}
        said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        room = max(1, self._console.height - 4)
        shown = list(rows)
        if len(rows) > room:  # the most interesting ones, in the order they were in
            kept = sorted(rows, key=lambda row: ORDER.index(row.state))[:room]
            shown = [row for row in rows if row in kept]
        lines = [
            table_text(HEADS, map(_cells, shown), "<<>>>"),
            f"{said}; {_duration(time.monotonic() - self.began)} so far",
        ]
        if self._live is None:
            self._live = self._started()
        self._live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)

    def _started(self) -> Live:
        """A place on the terminal; what this process prints meanwhile appears above it."""
        live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=self.out is sys.stdout,
            redirect_stderr=self.out is sys.stdout and sys.stderr.isatty(),
        )
        live.start()
        self._console.show_cursor()  # a process that is killed does not bring it back
        return live


def _cells(row: Row) -> tuple[str, ...]:
    left = "-" if row.left is None else f">{_duration(row.left)}"
    return row.name, row.state, f"{row.epoch or '-'}", figure(row.best_map), left


def _line(row: Row) -> str:
    figures = "" if row.best_map is None else f", MAP {row.best_map:.3f} in {row.epoch} epochs"
    return f"{row.name}: {row.state}{figures}"


def _duration(seconds: float) -> str:
    minutes = math.floor(seconds / 60)
    return (
        f"{minutes // 60}h{minutes % 60:02d}m"
        if minutes >= 60
        else f"{minutes}m{seconds % 60:02.0f}s"
    )
