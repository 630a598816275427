"""How far probabilities can be believed: log loss, Brier score, calibration error, reliability.

Probabilities and truth are [N, C], of presence: every species of every recording counts.
"""

from dataclasses import dataclass

import numpy as np

BINS = 15
SMALLEST = 1e-12  # a probability of 0 or 1 that is wrong costs a lot, not everything


def log_loss(probabilities: np.ndarray, present: np.ndarray) -> float:
    """Mean of -log of the probability that was given to what is true, in nats.

    >>> round(log_loss(np.array([[0.5, 0.5]]), np.array([[True, False]])), 4)
    0.6931
    """
    given = np.where(present, probabilities, 1 - np.asarray(probabilities, dtype=np.float64))
    return float(-np.log(np.clip(given, SMALLEST, 1)).mean())


def brier(probabilities: np.ndarray, present: np.ndarray) -> float:
    """Mean squared difference of probability and truth (Brier 1950), 0 is best.

    >>> brier(np.array([[1.0, 0.5]]), np.array([[True, False]]))
    0.125
    """
    return float(np.square(np.asarray(probabilities, dtype=np.float64) - present).mean())


@dataclass(frozen=True)
class Reliability:
    """Of each bin of probabilities that is not empty: mean probability, share present, count."""

    probability: np.ndarray
    share: np.ndarray
    count: np.ndarray


def reliability(probabilities: np.ndarray, present: np.ndarray, bins: int = BINS) -> Reliability:
    """Probabilities in bins of equal width over 0..1, and how often what they say is true.

    >>> said, true = np.array([[0.9, 0.9, 0.1, 0.1]]), np.array([[True, False, False, False]])
    >>> reliability(said, true, bins=2).share.tolist()
    [0.0, 0.5]
    """
    probabilities = np.asarray(probabilities, dtype=np.float64).ravel()
    which = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    count = np.bincount(which, minlength=bins)
    some = count > 0
    said = np.bincount(which, probabilities, bins)[some] / count[some]
    true = np.bincount(which, np.asarray(present, dtype=np.float64).ravel(), bins)
    return Reliability(said, true[some] / count[some], count[some])


def calibration_error(probabilities: np.ndarray, present: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: mean distance of probability and share of a bin, weighted by
    its count (Naeini, Cooper and Hauskrecht 2015).

    >>> said, true = np.array([[0.9, 0.9, 0.1, 0.1]]), np.array([[True, False, False, False]])
    >>> round(calibration_error(said, true, bins=2), 3)  # (0.1 + 0.4) / 2
    0.25
    """
    curve = reliability(probabilities, present, bins)
    distance = np.abs(curve.probability - curve.share)
    return float((distance * curve.count).sum() / curve.count.sum())


def measures(probabilities: np.ndarray, present: np.ndarray) -> dict[str, float]:
    """`log_loss`, `brier` and `ece` of probabilities [N, C]."""
    return {
        "log_loss": log_loss(probabilities, present),
        "brier": brier(probabilities, present),
        "ece": calibration_error(probabilities, present),
    }
