"""Claims hold on a team's server and on a file: every thing is one process's, and only once."""

import subprocess
import sys

import pytest

from tests.services.conftest import PROJECT
from tests.services.servers import USERS, wait_for

PROCESSES = 4
THINGS = 8


@pytest.mark.services
@pytest.mark.parametrize("store", ["server", "sqlite"])
def test_of_racing_processes_one_gets_each_thing(store, team, tmp_path):
    start = tmp_path / "start"
    outs = [tmp_path / f"claimed{i}" for i in range(PROCESSES)]
    processes = []
    for number, out in enumerate(outs):
        environment = team.environment_of(USERS[number % 2])
        if store == "sqlite":
            environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{tmp_path}/mlflow.db"
        environment["PYTHONPATH"] = str(PROJECT)
        command = [sys.executable, "-m", "tests.services.racing", start, str(THINGS), out]
        processes.append(subprocess.Popen(command, env=environment, cwd=tmp_path))
    try:
        wait_for(lambda: all(o.with_suffix(".ready").exists() for o in outs), "the processes")
        start.touch()
        wait_for(lambda: all(o.with_suffix(".done").exists() for o in outs), "the claims")
        start.unlink()
        assert [process.wait(timeout=900) for process in processes] == [0] * PROCESSES
    finally:
        for process in processes:
            process.kill()
    claimed = [name for out in outs for name in out.read_text().split()]
    assert sorted(claimed) == sorted(f"thing{i}" for i in range(THINGS))
