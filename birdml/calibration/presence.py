"""Presence: the probability that a species is in a recording or window, each species on its own.

A softmax shares 1 out among the species, whatever is heard: rain, an aeroplane and silence too. A
calibration asks of each species alone: logistic regression on its logit and on its margin over the
others, log(p / (1 - p)) of its softmax share p. Its coefficients are common to all species, moved
for each towards what its own recordings say, by as much as it has positives.

Shapes: N recordings or windows, C species, I inputs of the regression.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp


def _logit(logits: np.ndarray) -> np.ndarray:
    return logits


def margin(logits: np.ndarray) -> np.ndarray:
    """z_c - log sum_{d != c} exp z_d, float64 [N, C]: the log-odds of the softmax share of c.

    Of one species alone there are no others: the logit itself.

    >>> margin(np.log([[0.5, 0.25, 0.25]])).round(3).tolist()
    [[0.0, -1.099, -1.099]]
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.shape[1] == 1:
        return logits
    everything = logsumexp(logits, axis=1, keepdims=True)
    with np.errstate(divide="ignore"):  # of the best one, which is done again below
        result = logits - everything - np.log1p(-np.exp(logits - everything))
    rows, best = np.arange(len(logits)), logits.argmax(axis=1)
    others = logits.copy()
    others[rows, best] = -np.inf
    result[rows, best] = logits[rows, best] - logsumexp(others, axis=1)
    return result


INPUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"logit": _logit, "margin": margin}


@dataclass(frozen=True)
class Presence:
    """Curves of C species: `coefficients` float64 [C, 1 + I], the constant first, apply to inputs
    less their `centre` [I] and divided by their `scale` [I]."""

    inputs: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    coefficients: np.ndarray

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """float64 [N, C] in 0..1, of logits [N, C]; rows need not add up to anything.

        Raises ValueError where the logits are of another number of species.
        """
        return np.asarray(expit(self.log_odds(logits)))

    def log_odds(self, logits: np.ndarray) -> np.ndarray:
        """log(p / (1 - p)) of the probabilities, float64 [N, C]; raises as they do."""
        logits = np.asarray(logits, dtype=np.float64)
        if logits.ndim != 2 or logits.shape[1] != len(self.coefficients):
            raise ValueError(
                f"logits of {logits.shape[1:]} species for curves of {len(self.coefficients)}"
            )
        scores = np.broadcast_to(self.coefficients[:, 0], logits.shape).copy()
        for i, values in enumerate(design(logits, self.inputs, self.centre, self.scale)):
            scores += values * self.coefficients[:, 1 + i]
        return scores


def design(
    logits: np.ndarray, inputs: tuple[str, ...], centre: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """The inputs of the regression, float64 [I, N, C]."""
    return np.stack(
        [(INPUTS[name](logits) - c) / s for name, c, s in zip(inputs, centre, scale, strict=True)]
    )
