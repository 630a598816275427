"""The live table: states and figures from the store, drawn in place, or a line for each change."""

import io
import re
import sys
import time
from types import SimpleNamespace

import pytest
from mlflow.entities import Metric

from birdml.jobs.live_table import LiveTable, epoch_seconds, seconds_left
from birdml.jobs.request import TrainRequest
from birdml.tracking.experiments import experiment_id
from birdml.zoo.identity import identities
from birdml.zoo.load import configure, load_zoo

SETTINGS = "patience=3 patience_trials=2 epochs=20 patience_criterion=valid_map"


@pytest.fixture
def request_of(client):
    recipes = {n: configure(load_zoo()[n], "", SETTINGS) for n in ("meta3", "meta8", "meta5")}
    dataset = SimpleNamespace(digest="d1")
    return TrainRequest(dataset, recipes, identities(recipes, "d1", 0), 0, "cpu")


def begin(client, request, name):
    tags = {"birdml.identity": request.identities[name], "birdml.dataset_digest": "d1"}
    return client.create_run(experiment_id(client), run_name=name, tags=tags).info.run_id


def epochs(client, run_id, maps, seconds=60):
    now = int(time.time() * 1000)
    metrics = [
        Metric("valid_map", value, now + 1000 * seconds * i, i) for i, value in enumerate(maps, 1)
    ]
    client.log_batch(run_id, metrics)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def screen(text):
    """What a terminal shows after a text: it knows new lines, up, clear this line, and the cursor's
    looks, and nothing else."""
    lines, row, column = [""], 0, 0
    for token in re.split(r"(\x1b\[\??\d*[a-zA-Z]|\n|\r)", text):
        if token == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif token == "\r":
            column = 0
        elif token == "\x1b[1A":
            row -= 1
        elif token == "\x1b[2K":
            lines[row] = ""
        elif token not in ("\x1b[?25l", "\x1b[?25h"):
            assert "\x1b" not in token, token
            lines[row] = (
                lines[row][:column].ljust(column) + token + lines[row][column + len(token) :]
            )
            column += len(token)
    return [line.rstrip() for line in "\n".join(lines).rstrip().split("\n")]


def test_time_left_is_what_patience_leaves_and_no_more_than_the_epochs():
    recipe = configure(load_zoo()["meta3"], "", SETTINGS)
    assert seconds_left(recipe, [3.0], 10) == 60  # two trials of three epochs
    assert seconds_left(recipe, [3.0, 2.0, 2.5], 10) == 50
    assert seconds_left(recipe, [3.0, 4.0, 4.0, 4.0, 4.0], 10) == 20
    assert seconds_left(recipe, [3.0] + [4.0] * 6, 10) == 0
    assert seconds_left(recipe, [float(-i) for i in range(18)], 10) == 20  # 20 epochs at most
    assert epoch_seconds(0, [10, 20, 30, 5000, 5010]) == 10, "a night in between is no epoch"


def test_rows_follow_the_store_and_a_change_is_a_line(client, request_of):
    over = begin(client, request_of, "meta5")
    client.set_terminated(over, "FAILED")
    out = io.StringIO()
    table = LiveTable(client, request_of, out)
    assert [row.state for row in table.rows()] == ["waiting"] * 3, "an old failure is tried again"
    table.refresh()
    assert out.getvalue() == ""
    run_id = begin(client, request_of, "meta3")
    epochs(client, run_id, [0.2, 0.5, 0.4])
    table.refresh()
    table.refresh()
    assert out.getvalue() == "meta3: training, MAP 0.500 in 3 epochs\n"
    row = table.rows()[0]
    assert (row.epoch, row.best_map) == (3, 0.5)
    assert row.left == pytest.approx(5 * 60, rel=0.01)
    client.set_terminated(run_id, "FAILED")
    assert [row.state for row in table.rows()] == ["failed", "blocked", "waiting"]
    client.update_run(run_id, status="RUNNING")
    client.log_metric(run_id, "map", 0.45)
    client.log_metric(run_id, "training/epochs", 3)
    client.set_terminated(run_id, "FINISHED")
    table.refresh()
    assert out.getvalue().splitlines()[-1] == "meta3: finished, MAP 0.450 in 3 epochs"


@pytest.fixture
def terminal(monkeypatch):
    for name, value in {"TERM": "xterm", "LINES": "24", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    return Terminal()


def test_a_terminal_shows_one_table_that_changes_in_place(client, request_of, terminal):
    table = LiveTable(client, request_of, terminal)
    table.refresh()
    run_id = begin(client, request_of, "meta3")
    epochs(client, run_id, [0.25])
    table.refresh()
    table.write("[worker 1] a [bold]warning[/]" + " of many words" * 9)
    table.refresh()
    shown = screen(terminal.getvalue())
    assert shown[0] == "[worker 1] a [bold]warning[/]" + " of many words" * 9
    assert [line.split()[0] for line in shown[1:5]] == ["model", "meta3", "meta8", "meta5"]
    assert shown[1].split() == ["model", "state", "epoch", "MAP", "left"]
    assert shown[2].split()[1:4] == ["training", "1", "0.250"]
    assert shown[2].index("0.250") + 5 == shown[1].index("MAP") + 3, "numbers are to the right"
    assert shown[5].startswith("1 training, 2 waiting; 0m0")
    assert len(shown) == 6
    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l")
    table.close()
    assert screen(terminal.getvalue() + "end") == [shown[0], "end"]


def test_a_small_terminal_shows_what_is_of_interest(client, request_of, terminal, monkeypatch):
    monkeypatch.setenv("LINES", "6")
    monkeypatch.setenv("COLUMNS", "30")
    epochs(client, begin(client, request_of, "meta5"), [0.25])
    table = LiveTable(client, request_of, terminal)
    table.refresh()
    shown = screen(terminal.getvalue())
    assert [line.split()[0] for line in shown[1:3]] == ["meta3", "meta5"], "as they were in order"
    assert len(shown) == 4 and all(len(line) <= 30 for line in shown)
    assert shown[2].endswith("…")


def test_names_are_no_markup_and_what_the_process_says_is_above(
    client, terminal, monkeypatch, request_of
):
    recipe = request_of.recipes["meta3"]
    names = ["[x]", "[red]", ":bird:"]
    request = TrainRequest(
        request_of.dataset, dict.fromkeys(names, recipe), {n: n for n in names}, 0, "cpu"
    )
    monkeypatch.setattr(sys, "stdout", terminal)
    table = LiveTable(client, request)
    table.refresh()
    print("said [by] a library")
    table.refresh()
    shown = screen(terminal.getvalue())
    assert shown[0] == "said [by] a library"
    assert [line.split()[0] for line in shown[2:5]] == names
    table.close()
    assert sys.stdout is terminal
    assert screen(terminal.getvalue()) == ["said [by] a library"]


@pytest.mark.parametrize(("kind", "term"), [(io.StringIO, "xterm"), (Terminal, "dumb")])
def test_where_nothing_can_be_drawn_there_is_no_escape_code(
    kind, term, client, request_of, monkeypatch
):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = kind()
    table = LiveTable(client, request_of, out)
    table.refresh()
    begin(client, request_of, "meta3")
    table.refresh()
    table.write("[worker 1] a warning")
    table.close()
    assert out.getvalue() == "meta3: training\n[worker 1] a warning\n"
