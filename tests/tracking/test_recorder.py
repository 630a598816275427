"""The recorder: what a kill or an absent server left out is in the run in the end, once."""

import pytest
import torch

from birdml.tracking import experiments
from birdml.tracking.recorder import FOLDER, TAG, RunRecorder
from birdml.training.checkpoint import Checkpoint, Snapshot
from birdml.training.patience import Patience


class Killed(BaseException):
    """Nothing catches it: all that comes afterwards is not done, as after a kill."""


def figures(epoch):
    return {"train_loss": 1 / epoch, "valid_map": 0.1 * epoch}


def state(epoch):
    snapshot = Snapshot({"w": torch.full((2,), float(epoch))}, {}, epoch)
    history = [{"epoch": e, **figures(e), "verdict": "better", "trial": 0} for e in range(1, epoch)]
    history.append({"epoch": epoch, **figures(epoch), "verdict": "better", "trial": 0})
    return Checkpoint(epoch, 0.1, Patience(3, 3), snapshot, snapshot, epoch, history)


@pytest.fixture
def run_id(client):
    return client.create_run(experiments.experiment_id(client)).info.run_id


def sent(client, run_id):
    """Each figure that the run holds: (key, epoch, value)."""
    keys = client.get_run(run_id).data.metrics
    found = [m for key in keys for m in client.get_metric_history(run_id, key)]
    return sorted((m.key, m.step, m.value) for m in found)


def expected(epochs):
    return sorted((key, e, v) for e in range(1, epochs + 1) for key, v in figures(e).items())


@pytest.mark.parametrize("call", ["log_artifact", "set_tag", "log_batch"])
@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_any_request_leaves_each_epoch_once(call, after, client, run_id, monkeypatch):
    recorder = RunRecorder(client, run_id)
    recorder.epoch(figures(1), state(1))
    request = getattr(client, call)

    def kill(*args, **kwargs):
        if after:
            request(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(client, call, kill)
        recorder.epoch(figures(2), state(2))

    again = RunRecorder(client, run_id)
    there = again.resume()
    assert there.epoch in (1, 2)
    for epoch in range(there.epoch + 1, 4):
        again.epoch(figures(epoch), state(epoch))
    again.finish()
    assert sent(client, run_id) == expected(3)
    assert client.get_run(run_id).data.tags[TAG] == "epoch-3.safetensors"
    again.clear()
    assert TAG not in client.get_run(run_id).data.tags
    assert not client.list_artifacts(run_id, FOLDER)


def test_a_kill_after_the_last_checkpoint_leaves_out_no_figure(client, run_id, monkeypatch):
    recorder = RunRecorder(client, run_id)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(client, "log_batch", lambda *args, **kwargs: (_ for _ in ()).throw(Killed))
        recorder.epoch(figures(1), state(1))
    again = RunRecorder(client, run_id)
    assert again.resume().epoch == 1
    again.finish()
    assert sent(client, run_id) == expected(1)


@pytest.mark.parametrize("call", ["log_artifact", "set_tag", "log_batch"])
def test_what_an_absent_server_did_not_take_goes_out_with_the_next_epoch(
    call, client, run_id, monkeypatch
):
    recorder = RunRecorder(client, run_id)
    with monkeypatch.context() as patch:
        patch.setattr(client, call, lambda *args, **kwargs: (_ for _ in ()).throw(ConnectionError))
        recorder.epoch(figures(1), state(1))
        recorder.epoch(figures(2), state(2))
    assert sent(client, run_id) == []
    recorder.epoch(figures(3), state(3))
    assert sent(client, run_id) == expected(3)
    assert RunRecorder(client, run_id).resume().epoch == 3
