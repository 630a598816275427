"""Ctrl-C and SIGTERM end a training between requests to its store, not inside one.

An exception that a signal raises inside a database driver can be swallowed there, or leave the
database locked. So a request to a database that this process itself opens is done in one piece:
the interrupt waits for its end, a moment.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator


class _State:
    depth = 0  # of requests within requests, in the main thread, which alone gets signals
    waiting = False


def interrupt_on_termination() -> None:
    """SIGTERM is answered as ctrl-C is, and both as `in_one_piece` wants it; main thread only."""

    def interrupt(signum, frame):
        if not _State.depth:
            raise KeyboardInterrupt
        _State.waiting = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)


@contextlib.contextmanager
def in_one_piece() -> Iterator[None]:
    """Holds an interrupt back to the end of a block; raises KeyboardInterrupt there."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _State.depth += 1
    try:
        yield
    finally:
        _State.depth -= 1
        if _State.waiting and not _State.depth:
            _State.waiting = False
            raise KeyboardInterrupt
