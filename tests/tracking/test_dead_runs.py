"""Runs that were left RUNNING by a process that is gone are marked at the next start."""

import os
import subprocess
import sys

import pytest

from birdml.tracking import experiments, own_runs
from birdml.tracking.claims import Claims
from birdml.tracking.dead_runs import mark_dead_runs
from birdml.tracking.processes import gone, this_process

DIES = """
import os
from birdml.tracking.own_runs import open_run
from birdml.tracking.store import connect
print(open_run(connect(), "submission", {"birdml.step": "submit"}), flush=True)
os._exit(9)
"""


def test_of_a_step_without_a_claim_the_process_tells(client):
    died = subprocess.run([sys.executable, "-c", DIES], capture_output=True, text=True)
    dead = died.stdout.split()[-1]
    alive = own_runs.open_run(client, "submission", {"birdml.step": "submit"})
    elsewhere = own_runs.open_run(client, "score", {"birdml.step": "score"})
    client.set_tag(elsewhere, own_runs.PROCESS, "another-machine/1/2/3")
    assert client.get_run(dead).info.status == "RUNNING"
    assert mark_dead_runs(client) == ["submission"]
    states = [client.get_run(run_id).info.status for run_id in (dead, alive, elsewhere)]
    assert states == ["KILLED", "RUNNING", "RUNNING"]
    assert mark_dead_runs(client) == []


def test_of_a_training_its_claim_tells_on_the_board_of_its_dataset(client):
    def run(identity, digest):
        tags = {"birdml.model": identity, "birdml.identity": identity}
        return own_runs.open_run(client, identity, tags | {"birdml.dataset_digest": digest})

    one, other, gone_one = run("one", "d1"), run("other", "d2"), run("gone", "d2")
    claims = [Claims(client, "d1").claim("one"), Claims(client, "d2").claim("other")]
    assert mark_dead_runs(client) == ["gone"]
    states = [client.get_run(run_id).info.status for run_id in (one, other, gone_one)]
    assert states == ["RUNNING", "RUNNING", "KILLED"]
    for claim in claims:
        claim.end("finished")


def test_this_process_is_there_and_one_with_its_number_before_it_is_not():
    mine = this_process()
    assert not gone(mine)
    assert gone(mine.rpartition("/")[0] + "/12345")
    assert not gone("another-machine/1/2/3"), "nobody can tell from here"


COMMAND = """
import os, signal, time
from birdml.commands.command import entry_point
from birdml.tracking.own_runs import describe_handed_run

@entry_point
def thing():
    {body}

thing()
"""


@pytest.mark.parametrize(
    ("body", "code", "at_once"),
    [
        ("os._exit(9)", 9, "RUNNING"),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", 130, "KILLED"),
        ("raise KeyboardInterrupt", 130, "KILLED"),
        ("describe_handed_run('all of it', ''); raise KeyboardInterrupt", 130, "KILLED"),
    ],
)
def test_what_mlflow_run_opened_is_killed_with_its_command_whatever_that_is(
    body, code, at_once, client
):
    run = client.create_run(experiments.experiment_id(client), run_name="nimble-fox-123")
    before = own_runs.open_run(client, "submission", {"birdml.step": "submit"})
    client.set_tag(before, own_runs.PROCESS, f"{this_process().rsplit('/', 2)[0]}/1/none")
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND.format(body=body)],
        env=os.environ | {"MLFLOW_RUN_ID": run.info.run_id},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == code, ended.stderr
    assert "submission: an earlier run died and is marked as killed" in ended.stderr
    assert client.get_run(before).info.status == "KILLED"
    assert client.get_run(run.info.run_id).info.status == at_once
    mark_dead_runs(client)
    assert client.get_run(run.info.run_id).info.status == "KILLED"
