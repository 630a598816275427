"""Locks between processes."""

import subprocess
import sys

import pytest

from birdml.errors import UserError
from birdml.files import locked

HOLD = """
import sys
from pathlib import Path
from birdml.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_that_another_process_holds_is_told_or_waited_for(tmp_path):
    path = tmp_path / "new" / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="somebody is at it"), locked(path, "somebody is at it"):
            pass
        waiting = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=2)
        other.stdin.close()
        assert waiting.wait(timeout=60) == 0
    with locked(path, "somebody is at it"):
        pass


def test_where_no_lock_can_be_made_it_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't write"), locked(tmp_path / "file" / "lock"):
        pass
