"""What modules below the commands say: logged by each, and shown as plain lines by a program.

A module says things with `logging.getLogger(__name__)`. Who imports birdml hears it as of any
library, and tells `logging` where it goes; commands, workers and tasks on a cluster show it, for as
long as they run, among their own lines.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

NAME = "birdml"
# Their warnings are part of what a command answers: on stdout, where its table is.
AMONG_RESULTS = (
    "birdml.dataset.addresses",
    "birdml.jobs.calibration",
    "birdml.tracking.champions",
    "birdml.training.epochs",
    "birdml.training.known_species",
)


class Lines(logging.Handler):
    """Records as they are, a line each, that don't break a progress bar.

    Warnings and errors go to stderr, all else and the warnings of AMONG_RESULTS to stdout.
    """

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm  # most commands end without a word of these

        result = record.name in AMONG_RESULTS and record.levelno < logging.ERROR
        out = sys.stdout if result or record.levelno < logging.WARNING else sys.stderr
        tqdm.write(self.format(record), file=out)
        out.flush()


@contextmanager
def shown() -> Iterator[None]:
    """A block, or as `@shown()` a function, in which what birdml logs is shown, from INFO on.

    Within another one it changes nothing. Other handlers of the process do not get it too.
    """
    logger = logging.getLogger(NAME)
    if any(isinstance(handler, Lines) for handler in logger.handlers):
        yield
        return
    handler, level, propagates = Lines(), logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagates
