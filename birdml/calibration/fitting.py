"""Fitting curves of presence, and what they say of recordings that they were not fitted on.

Which inputs the curves have, and how strongly species are held to the common curve, is chosen by
the log loss on held-out folds. A fold holds whole groups of recordings.
"""

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from birdml.calibration.measures import log_loss
from birdml.calibration.presence import INPUTS, Presence, design
from birdml.errors import UserError

CHOICES = (("logit",), ("margin",), ("logit", "margin"))
STRENGTHS = (0.3, 3.0, 30.0, 300.0)  # of the pull to the common curve, for one positive
FOLDS = 5
RIDGE = 1e-6  # keeps the common curve finite where species are told apart without an error
STEPS = 30  # of Newton's method at most; 5 to 10 are the rule
LONGEST_STEP = 2.0  # in standardised coefficients: far from the optimum, Newton overshoots


@dataclass(frozen=True)
class Fit:
    """Curves fitted on everything; `held_out` float64 [N, C], each row by curves fitted without
    its fold, so that figures made of it are those of unseen recordings."""

    presence: Presence
    strength: float
    held_out: np.ndarray


def fit(logits: np.ndarray, present: np.ndarray, groups: Sequence[Hashable], seed: int = 0) -> Fit:
    """Curves of presence for C species.

    Args:
        logits: [N, C] of recordings or windows that the model was not trained on.
        present: bool [N, C]; all false in a row where nothing sings.
        groups: of N; rows of one group are in one fold.
        seed: of the folds.

    Raises:
        UserError: where there are fewer than two groups, no species is ever present, or all
            always are.
    """
    logits, present = np.asarray(logits, dtype=np.float64), np.asarray(present, dtype=bool)
    if not np.isfinite(logits).all():
        raise UserError("logits that are no numbers can't be calibrated: predict them again")
    fold = folds(groups, seed)
    if len(present) == 0 or present.all() or not present.any():
        raise UserError(
            "a calibration needs recordings in which a species is present and others in which it "
            f"is not; of {present.size} pairs of recording and species {int(present.sum())} are"
        )
    if fold.max() == 0:
        raise UserError("a calibration needs validation recordings of two groups at least")

    def held_out(
        inputs: tuple[str, ...], strength: float, common: Sequence[np.ndarray | None]
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Probabilities [N, C], each by curves without its fold; each fold's common curve."""
        result, found = np.empty(logits.shape), []
        for number in range(fold.max() + 1):
            rows = fold == number
            curves, shared = _fit(logits[~rows], present[~rows], inputs, strength, common[number])
            result[rows] = curves.probabilities(logits[rows])
            found.append(shared)
        return result, found

    choices = CHOICES if logits.shape[1] > 1 else CHOICES[:1]
    alone = {inputs: held_out(inputs, np.inf, [None] * (fold.max() + 1)) for inputs in choices}
    inputs = min(alone, key=lambda choice: log_loss(alone[choice][0], present))
    by_common, common = alone[inputs]
    tried = {strength: held_out(inputs, strength, common)[0] for strength in STRENGTHS}
    tried[np.inf] = by_common
    strength = min(tried, key=lambda choice: log_loss(tried[choice], present))
    return Fit(_fit(logits, present, inputs, strength)[0], strength, tried[strength])


def folds(groups: Sequence[Hashable], seed: int = 0, count: int = FOLDS) -> np.ndarray:
    """For each of N rows its fold, int64 [N] in 0..count - 1, alike in size.

    Whole groups, in an order drawn by the seed and their names, go to the smallest fold so far.
    """
    rows: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(repr(group), []).append(row)
    order = sorted(rows, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    result, sizes = np.zeros(len(groups), dtype=np.int64), np.zeros(count, dtype=np.int64)
    for name in order:
        smallest = int(sizes.argmin())
        result[rows[name]] = smallest
        sizes[smallest] += len(rows[name])
    return result


def _fit(
    logits: np.ndarray,
    present: np.ndarray,
    inputs: tuple[str, ...],
    strength: float,
    common: np.ndarray | None = None,
) -> tuple[Presence, np.ndarray]:
    """Curves of all species and the common one, [1 + I]; that is not found again where given."""
    raw = [INPUTS[name](logits) for name in inputs]
    centre = np.array([values.mean() for values in raw])
    scale = np.array([values.std() or 1.0 for values in raw])
    x = design(logits, inputs, centre, scale)
    if common is None:
        common = _common(x, present)
    coefficients = np.repeat(common[None], present.shape[1], axis=0)
    if np.isfinite(strength):
        own = np.flatnonzero(present.any(axis=0))
        coefficients[own] = _own(x[:, :, own], present[:, own], common, strength)
    return Presence(inputs, centre, scale, coefficients), common


def _common(x: np.ndarray, present: np.ndarray) -> np.ndarray:
    """The one curve of all species, [1 + I]: the logistic regression of every pair."""
    flat = np.concatenate([np.ones((1, present.size)), x.reshape(len(x), -1)])
    truth = present.ravel().astype(np.float64)

    def loss(w: np.ndarray) -> float:
        z = w @ flat
        return float((np.logaddexp(0, z) - truth * z).mean() + RIDGE / 2 * w @ w)

    def gradient(w: np.ndarray) -> np.ndarray:
        return flat @ (expit(w @ flat) - truth) / truth.size + RIDGE * w

    def hessian(w: np.ndarray) -> np.ndarray:
        p = expit(w @ flat)
        return (flat * (p * (1 - p))) @ flat.T / truth.size + RIDGE * np.eye(len(w))

    share = truth.mean()
    start = np.zeros(len(flat))
    start[0] = np.log(share / (1 - share))
    found = minimize(loss, start, jac=gradient, hess=hessian, method="trust-exact")
    return np.asarray(found.x)


def _own(x: np.ndarray, present: np.ndarray, common: np.ndarray, strength: float) -> np.ndarray:
    """Curves of species with positives, [C, 1 + I].

    Each minimises its log loss plus strength / (2 positives) times the squared distance from the
    common curve: by Newton's method, all species at once, in steps of bounded length.
    """
    species, truth = present.shape[1], present.astype(np.float64)
    pull = strength / present.sum(axis=0)
    x = np.concatenate([np.ones((1, *present.shape)), x])
    away = np.zeros((species, len(x)))
    for _ in range(STEPS):
        p = expit(np.einsum("inc,ci->nc", x, common + away))
        gradient = np.einsum("inc,nc->ci", x, p - truth) + pull[:, None] * away
        curvature = np.einsum("inc,jnc,nc->cij", x, x, p * (1 - p), optimize=True)
        curvature += pull[:, None, None] * np.eye(len(x))
        step = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
        length = np.linalg.norm(step, axis=1, keepdims=True)
        away -= step * np.minimum(1, LONGEST_STEP / np.maximum(length, 1e-300))
        if length.max() < 1e-6:
            break
    return common + away
