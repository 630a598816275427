"""A training's state between two epochs, in one file without pickle.

The file is written beside its place and renamed: where it is, it is whole.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from torch import Tensor

from birdml.errors import UserError
from birdml.training.patience import Patience


@dataclass
class Snapshot:
    """Weights and running averages at the end of one epoch."""

    network: dict[str, Tensor]
    moments: dict[str, Tensor]
    steps: int  # updates so far


@dataclass
class Checkpoint:
    """All that a training needs to go on: with it, a resumed run ends in the same numbers.

    Random numbers need no state: they are drawn from (seed, epoch, step).
    """

    epoch: int  # epochs done
    learning_rate: float
    patience: Patience
    last: Snapshot
    best: Snapshot
    best_epoch: int
    history: list[dict] = field(default_factory=list)
    seconds: float = 0.0  # of training so far


def save_checkpoint(path: str | Path, state: Checkpoint) -> None:
    """Writes a checkpoint; the best snapshot is written once where it is also the last."""
    from safetensors.torch import save_file

    path = Path(path)
    tensors = {}
    same = state.last is state.best  # a new best, or back to it
    for name in ("last",) if same else ("last", "best"):
        snapshot: Snapshot = getattr(state, name)
        for part in ("network", "moments"):
            for key, tensor in getattr(snapshot, part).items():
                tensors[f"{name}/{part}/{key}"] = tensor.detach().cpu().contiguous()
    about = {
        "epoch": state.epoch,
        "learning_rate": state.learning_rate,
        "patience": asdict(state.patience),
        "best_epoch": state.best_epoch,
        "last_is_best": same,
        "steps": {"last": state.last.steps, "best": state.best.steps},
        "history": state.history,
        "seconds": state.seconds,
    }
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    save_file(tensors, beside, metadata={"state": json.dumps(about)})
    beside.rename(path)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Reads a checkpoint. Raises UserError where it is broken."""
    from safetensors import SafetensorError

    try:
        return _read(path)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(f"{type(error).__name__} {error}".split())[:200]
        raise UserError(f"'{path}' is no whole checkpoint ({reason})") from None


def _read(path: str | Path) -> Checkpoint:
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as f:
        about = json.loads(f.metadata()["state"])
        tensors = {key: f.get_tensor(key) for key in f.keys()}  # noqa: SIM118 (no mapping)
    snapshots = {}
    for name in ("last", "best"):
        source = "last" if about["last_is_best"] else name
        parts = {
            part: {
                key.removeprefix(f"{source}/{part}/"): tensor.clone()
                for key, tensor in tensors.items()
                if key.startswith(f"{source}/{part}/")
            }
            for part in ("network", "moments")
        }
        snapshots[name] = Snapshot(**parts, steps=about["steps"][name])
    return Checkpoint(
        epoch=about["epoch"],
        learning_rate=about["learning_rate"],
        patience=Patience(**about["patience"]),
        best_epoch=about["best_epoch"],
        history=about["history"],
        seconds=about["seconds"],
        **snapshots,
    )
