"""What was heard, and what date, time and place added: evidence told apart, and what it changed.

The log-odds of a detection are those of the same networks when they are told nothing of date, time
and place (`audio`: what was heard, and how common the species is anywhere), and what knowing them
adds (`place`). They add up to the log-odds of the score, whatever the calibration. Shapes: W
windows, C species.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from scipy.special import expit

from birdml.calibration.events import TOUCH, Event, Merger
from birdml.calibration.reading import Reading

LIFTED = "lifted"  # reported, and would not be by what was heard alone
DROPPED = "dropped"  # not reported, and would be by what was heard alone


def explained(
    pieces: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]],
    added: np.ndarray,
    reading: Reading,
    close: float = 1.0,
    top: int | None = None,
) -> Iterator[Event]:
    """Events as `calibration.events.merged` makes them, with what they are made of.

    Behind them come the events that would be reported by what was heard alone and are not
    (`change` DROPPED); those of which it is the other way round have LIFTED.

    Args:
        pieces: starts [W], ends [W] in seconds, and logits [W, C].
        added: what date, time and place added to these logits [C].
        reading: with thresholds.
        close, top: as for `merged`.
    """
    assert reading.thresholds is not None
    told = Merger(reading.thresholds, close, top)
    heard = Merger(reading.thresholds, close, top)
    with_place: list[Event] = []
    without: list[Event] = []
    for starts, ends, logits in pieces:
        alone = reading.log_odds(logits - added)
        evidence = (alone, reading.log_odds(logits) - alone)
        with_place += told.add(starts, ends, reading.scores(logits), logits, evidence)
        without += heard.add(starts, ends, expit(alone), logits, evidence)
    with_place += told.end()
    without += heard.end()
    for event in with_place:
        yield event if _any_meets(without, event) else replace(event, change=LIFTED)
    for event in without:
        if not _any_meets(with_place, event):
            yield replace(event, change=DROPPED)


def _any_meets(events: Iterable[Event], one: Event) -> bool:
    return any(
        event.label == one.label and event.start < one.end + TOUCH and one.start < event.end + TOUCH
        for event in events
    )
