"""What a model says of one split."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Predictions:
    """Logits of one split, float32 [N, C], of the N recordings (or windows) named in order.

    `starts` are the beginnings of the windows in seconds, float64 [N]; None for whole recordings.
    """

    files: list[str]
    starts: np.ndarray | None
    logits: np.ndarray
