"""How good scores are: of recordings (the challenge's figures), of windows, of events."""

from birdml.scoring.recordings import (
    BLOCK,
    TENTHS,
    TOP,
    average_precision,
    random_tenths,
    ranks,
    score,
)

__all__ = ["BLOCK", "TENTHS", "TOP", "average_precision", "random_tenths", "ranks", "score"]
