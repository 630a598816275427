"""Claims: one owner at a time, whoever races; a dead owner's claim is taken over."""

import subprocess
import sys
import textwrap
import time
from collections import Counter

from birdml.tracking.claims import Claims


def test_a_claim_has_one_owner_until_it_ends(client):
    first, second = Claims(client), Claims(client)
    assert first.run_id == second.run_id
    claim = first.claim("request")
    assert claim is not None
    assert second.claim("request") is None
    assert second.claim("another") is not None
    claim.end("finished")
    again = second.claim("request")
    assert again is not None and again.attempt == 2


def test_a_claim_is_taken_over_when_its_heart_stands_still(client):
    now = [0.0]
    # The owner looks like one on another machine, so only its heartbeat tells.
    owner = Claims(client, heartbeat_seconds=3600)
    owner.owner = "elsewhere/1/1/x"
    claim = owner.claim("request")
    claim._thread.join(timeout=0.5)
    watcher = Claims(client, expiry_seconds=60, clock=lambda: now[0])
    assert watcher.claim("request") is None
    now[0] = 59
    assert watcher.claim("request") is None
    client.set_tag(owner.run_id, "beat.request.1", "99")
    now[0] = 61
    assert watcher.claim("request") is None, "a new beat was seen"
    now[0] = 122
    assert watcher.claim("request") is not None


def test_a_heart_beats_by_itself_until_its_claim_ends(client):
    owner = Claims(client, heartbeat_seconds=0.05)
    claim = owner.claim("request")

    def beats():
        return int(client.get_run(owner.run_id).data.tags.get("beat.request.1", 0))

    deadline = time.monotonic() + 60
    while beats() < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert beats() >= 3, "each beat is another"
    claim.end("finished")
    assert not claim._thread.is_alive()


def test_a_process_that_is_gone_from_this_machine_loses_its_claim_at_once(client, tmp_path):
    code = "from birdml.tracking.store import connect; from birdml.tracking.claims import Claims\n"
    code += "import os; assert Claims(connect()).claim('request'); os._exit(9)"
    subprocess.run([sys.executable, "-c", code], check=False)
    assert Claims(client).claim("request").attempt == 2


def test_racing_processes_never_share_a_claim(client, tmp_path):
    code = textwrap.dedent("""
        import sys
        from birdml.tracking.store import connect
        from birdml.tracking.claims import Claims
        board = Claims(connect())
        print(*[i for i in range(12) if board.claim(f"request{i}")], flush=True)
        sys.stdin.read()  # stays alive, and so does its claim, until all have raced
    """)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    won = [racer.stdout.readline().split() for racer in racers]
    for racer in racers:
        racer.communicate(timeout=900)
    owners = Counter(claim for claims in won for claim in claims)
    assert owners == {str(i): 1 for i in range(12)}


def test_an_owner_that_was_only_asleep_learns_that_it_lost_its_claim(client):
    owner = Claims(client, heartbeat_seconds=3600)
    owner.owner = "elsewhere/1/1/x"
    claim = owner.claim("request")
    claim._thread.join(timeout=0.5)
    assert not claim.lost()
    now = [0.0]
    other = Claims(client, clock=lambda: now[0])
    assert other.claim("request") is None
    now[0] = 61
    assert other.claim("request") is not None
    assert claim.lost()


def test_nobody_waits_for_a_board_whose_maker_is_gone(client, monkeypatch):
    code = "from birdml.tracking.store import connect; from birdml.tracking.claims import Claims\n"
    code += "import os; client = connect(); client.create_run = lambda *a, **k: os._exit(9)\n"
    code += "Claims(client)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9

    def sleep(seconds):
        raise AssertionError("it waits")

    monkeypatch.setattr("birdml.tracking.claims.time.sleep", sleep)
    first, second = Claims(client), Claims(client)
    assert first.run_id == second.run_id
    assert client.get_run(first.run_id).info.status == "FINISHED"


def test_each_dataset_has_a_board_of_its_own_that_all_find(client):
    boards = [Claims(client, digest) for digest in ("d1", "d2", "d1", "")]
    assert boards[0].run_id == boards[2].run_id
    assert len({board.run_id for board in boards}) == 3
    assert boards[0].claim("request") is not None
    assert boards[2].claim("request") is None
    assert boards[1].claim("request") is not None, "another dataset, another request"


def test_a_board_is_asked_once_a_second_however_many_models_are_asked_about(client, monkeypatch):
    now, asked = [0.0], []
    board = Claims(client, "d1", clock=lambda: now[0])
    whole = client.get_run

    def counted(run_id):
        asked.append(run_id)
        return whole(run_id)

    monkeypatch.setattr(client, "get_run", counted)
    for number in range(40):
        board.outcome(f"request{number}")
        board.living(f"request{number}")
    assert len(asked) == 1
    now[0] = 1.5
    board.living("request")
    assert len(asked) == 2
    claim = board.claim("request")
    assert board.living("request"), "what was written is looked at again"
    claim.end("finished")
    assert board.outcome("request") == (1, "finished")


def test_a_board_whose_maker_was_killed_before_it_wrote_it_down_is_used(client):
    first = Claims(client)
    experiment = client.get_run(first.run_id).info.experiment_id
    left = client.create_run(experiment, tags={"birdml.board": "d1"}).info.run_id
    assert Claims(client, "d1").run_id == left
    assert client.get_run(left).info.status == "FINISHED"
    assert Claims(client, "d1").run_id == left
