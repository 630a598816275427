"""What the benchmarks share: timing in turn, and a row of the table."""

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any


def in_turn(
    ours: Callable[[], Any], reference: Callable[[], Any], times: int, warm: int = 1
) -> tuple[float, float]:
    """Median seconds of both, run in turn, after `warm` rounds that do not count."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for trial in range(warm + times):
        for function, taken in zip((ours, reference), seconds):
            start = perf_counter()
            function()
            if trial >= warm:
                taken.append(perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def row(
    name: str, ours: float, reference: float, ratio: float, what: str, unit: str = "s"
) -> dict[str, Any]:
    """A row of the table; `what` says what the reference is."""
    return {
        "name": name,
        "ours": ours,
        "reference": reference,
        "ratio": ratio,
        "unit": unit,
        "what_reference_is": what,
    }
