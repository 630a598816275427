"""What this machine has to offer a process: cores and devices."""

import math
import os
from contextlib import suppress
from pathlib import Path

from birdml.errors import UserError

CGROUP = Path("/sys/fs/cgroup")


def cores() -> int:
    """Cores that this process may use: those of its affinity, or fewer by its group's quota."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    quota = _quota()
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def _quota() -> float | None:
    """Cores' worth of time that the control group grants (version 2, then 1), if it limits it."""
    with suppress(OSError, ValueError):
        limit, period = (CGROUP / "cpu.max").read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    with suppress(OSError, ValueError):
        limit = (CGROUP / "cpu" / "cpu.cfs_quota_us").read_text()
        period = (CGROUP / "cpu" / "cpu.cfs_period_us").read_text()
        return None if int(limit) <= 0 else int(limit) / int(period)
    return None


def pick_device(wanted: str = "auto") -> str:
    """`auto` is a GPU where there is one; UserError for a device that is not there.

    A GPU then computes float32 in full (no TF32): what it predicts is what a CPU does.
    """
    import torch  # seconds, which only who computes waits for

    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=wanted)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f"device '{wanted}' cannot be used here ({str(error).splitlines()[0]}); "
            "leave it at auto, or say cpu"
        ) from None
    return wanted
