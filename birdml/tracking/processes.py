"""Which process did something, and whether it is still there, as far as this machine can tell."""

import contextlib
import os
import socket
from functools import cache
from pathlib import Path


@cache
def machine() -> str:
    """This machine, as far as its process numbers reach: a name, a boot, a container."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        return f"{socket.gethostname()}/{boot}/{os.readlink('/proc/self/ns/pid')}"
    return socket.gethostname()


def this_process() -> str:
    """This process, unlike any other before or after it."""
    return f"{machine()}/{os.getpid()}/{_start_of(os.getpid())}"


def gone(process: str) -> bool:
    """Whether a process was one of this machine and is not there any more."""
    host, pid, start = process.rsplit("/", 2)
    return host == machine() and _start_of(int(pid)) != start


def _start_of(pid: int) -> str:
    """When a process of this machine started, so that a reused number is not mistaken for it."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            words = f.read().rpartition(")")[2].split()
        return "gone" if words[0] in "ZX" else words[19]  # dead, and only not yet buried
    except OSError:
        return "gone" if os.path.isdir("/proc") else "unknown"
