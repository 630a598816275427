"""Logits -> probabilities -> the best classes of each item, in a defined order.

Shapes: N items (recordings or windows), C classes, n classes that are written.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from birdml.dataset.recording import Recording, Species
from birdml.errors import UserError

KINDS = ("softmax", "2018", "sigmoid")
BLOCK = 1024  # items at once: bounds the memory of sorting


def _exp(values: np.ndarray) -> np.ndarray:
    """Computed in float64 and rounded once: numpy's float32 exp differs between processors, and
    the bytes of a submission should not."""
    with np.errstate(over="ignore"):  # infinity is right: a sigmoid makes 0 of it
        return np.exp(values.astype(np.float64)).astype(values.dtype)


def _softmax(logits: np.ndarray) -> np.ndarray:
    shifted = _exp(np.ascontiguousarray(logits - logits.max(axis=-1, keepdims=True)))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + _exp(-values))


def check_kind(kind: str) -> None:
    """UserError where there is no such kind of probabilities."""
    if kind not in KINDS:
        raise UserError(f"no probabilities called '{kind}'; choose one of {', '.join(KINDS)}")


def probabilities(logits: np.ndarray, kind: str = "softmax") -> np.ndarray:
    """Probabilities of all classes, in the precision of the logits.

    Args:
        logits: float [N, C]; minus infinity for a class that is ruled out.
        kind: `softmax` over the classes; `2018`, the sigmoid of the softmax, as the 2018 system
            wrote it (all values in 0.5..0.74; the order of classes is the same); `sigmoid` of each
            logit on its own, for models trained with the binary loss.

    Returns:
        [N, C], of the logits' type, in 0..1; a class that is ruled out has the smallest value.

    Raises:
        UserError: where there is no such kind.
    """
    check_kind(kind)
    values = logits if kind == "sigmoid" else _softmax(logits)
    return values if kind == "softmax" else _sigmoid(values)


def edition_classes(species: Sequence[Species], recordings: Sequence[Recording]) -> np.ndarray:
    """Which classes a recording of its challenge edition can be, bool [N, C].

    A recording without edition, or of an edition that has no label set of its own (2018 has none),
    can be any class.
    """
    allowed: dict[str, np.ndarray] = {}
    for edition in {r.edition for r in recordings}:
        of_edition = np.array([edition in s.editions for s in species], dtype=bool)
        allowed[edition] = of_edition if of_edition.any() else np.ones(len(species), dtype=bool)
    if not recordings:
        return np.ones((0, len(species)), dtype=bool)
    return np.stack([allowed[r.edition] for r in recordings])


def rule_out(logits: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Logits [N, C] with minus infinity where a class is not allowed (bool [N, C])."""
    return np.where(allowed, logits, logits.dtype.type(-np.inf))


def _order(logits: np.ndarray, count: int) -> np.ndarray:
    """Labels of the `count` largest logits of each row, as a stable descending sort has them.

    Only what is at least the `count`-th largest is sorted, but where more than `count` are.
    """
    classes = logits.shape[1]
    if count >= classes:
        return np.argsort(-logits, axis=1, kind="stable")
    least = np.partition(logits, classes - count, axis=1)[:, classes - count, None]
    candidates = logits >= least
    order = np.empty((len(logits), count), dtype=np.int64)
    tied = np.count_nonzero(candidates, axis=1) > count
    if tied.any():
        order[tied] = np.argsort(-logits[tied], axis=1, kind="stable")[:, :count]
    labels = np.nonzero(candidates[~tied])[1].reshape(-1, count)
    kept = np.take_along_axis(logits[~tied], labels, axis=1)
    order[~tied] = np.take_along_axis(labels, np.argsort(-kept, axis=1, kind="stable"), axis=1)
    return order


def best(
    logits: np.ndarray, kind: str, max_classes: int
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """The classes to write, item by item: yields (item, labels int [n], probabilities [n]).

    The order is that of the logits, since probabilities can be equal where logits are not; equal
    logits, and so all classes that are ruled out, stand in label order, those ruled out last.

    Raises:
        UserError: where a logit is NaN (or an item has no finite one).
    """
    for start in range(0, len(logits), BLOCK):
        block = np.asarray(logits[start : start + BLOCK])
        peak = block.max(axis=1)  # NaN where any is NaN
        broken = np.flatnonzero(~np.isfinite(peak))
        if len(broken):
            raise UserError(
                f"the logits of row {start + broken[0]} are no numbers; predict this split again"
            )
        values = probabilities(block, kind)
        order = _order(block, max_classes)
        chosen = np.take_along_axis(values, order, axis=1)
        for row in range(len(block)):
            yield start + row, order[row], chosen[row]
