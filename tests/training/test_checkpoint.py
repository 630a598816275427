"""A checkpoint holds all of a training's state, whichever snapshots are one and the same."""

import pytest
import torch

from birdml.training.checkpoint import Checkpoint, Snapshot, load_checkpoint, save_checkpoint
from birdml.training.patience import Patience


def snapshot(value: float) -> Snapshot:
    return Snapshot({"weight": torch.full((2, 3), value)}, {"m": torch.full((2,), -value)}, 7)


def state(verdict: str) -> Checkpoint:
    """As the trainer makes it after an epoch of that verdict."""
    best, last = snapshot(1.0), snapshot(2.0)
    if verdict == "better":
        best = last
    elif verdict == "back":
        last = best
    return Checkpoint(
        epoch=5,
        learning_rate=1e-4,
        patience=Patience(2, 3),
        last=last,
        best=best,
        best_epoch=5 if verdict == "better" else 3,
        history=[{"epoch": 5, "verdict": verdict}],
        seconds=1.5,
    )


@pytest.mark.parametrize("verdict", ["better", "worse", "back"])
def test_what_was_saved_comes_back(tmp_path, verdict):
    before = state(verdict)
    save_checkpoint(tmp_path / "c.safetensors", before)
    after = load_checkpoint(tmp_path / "c.safetensors")
    for name in ("last", "best"):
        one, other = getattr(before, name), getattr(after, name)
        assert torch.equal(one.network["weight"], other.network["weight"])
        assert torch.equal(one.moments["m"], other.moments["m"])
        assert one.steps == other.steps
    assert (after.epoch, after.best_epoch, after.learning_rate) == (5, before.best_epoch, 1e-4)
    assert after.history == before.history and after.patience == before.patience
    assert after.last.network["weight"] is not after.best.network["weight"]
