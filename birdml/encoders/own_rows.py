"""What an encoder's own output layer says of the classes of a dataset.

Shapes: D dimensions of an embedding, C classes, L labels of the encoder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from birdml.dataset.names import latin_name

ABSENT = -30.0  # logit of a class that neither the encoder nor its genus tells anything about
CONGENERS = "congeners"


@dataclass(frozen=True)
class OwnRows:
    """What an encoder's own output layer says of C classes: a head without training, and where a
    warm one starts. Logits are embeddings @ weights.T + bias."""

    weights: np.ndarray  # float32 [C, D]
    bias: np.ndarray  # float32 [C]
    known: tuple[str, ...]  # of each class the label it is by, `congeners` or ''

    @property
    def unknown(self) -> tuple[int, ...]:
        """Classes of which the encoder knows neither the species nor its genus."""
        return tuple(label for label, how in enumerate(self.known) if not how)


def own_rows(
    latin_names: Sequence[str],
    labels: Sequence[str],
    output: tuple[np.ndarray, np.ndarray],
    synonyms: Mapping[str, str] | None = None,
) -> OwnRows:
    """The rows of an encoder's output layer that belong to the classes.

    A class is found by its Latin name, or by the name that `synonyms` has for it. One that the
    encoder does not know gets the mean of its congeners' rows; without congeners its logit is
    ABSENT whatever is heard. What was found how is told, so that it can be shown.

    Args:
        latin_names: of the C classes, '' where unknown.
        labels: of the encoder, as its authors write them (`Latin name_Common name`), [L].
        output: its weights [L, D] and bias [L].
        synonyms: Latin name -> the one that the encoder uses.
    """
    weights, bias = (np.asarray(values, np.float32) for values in output)
    row_of: dict[str, int] = {}
    genera: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        if (name := _binomial(label)) is not None:
            row_of.setdefault(name, row)
            genera.setdefault(name.split()[0], []).append(row)
    renamed = {_binomial(a) or a: _binomial(b) or b for a, b in (synonyms or {}).items()}
    found_weights = np.zeros((len(latin_names), weights.shape[1]), np.float32)
    found_bias = np.full(len(latin_names), ABSENT, np.float32)
    known = []
    for c, text in enumerate(latin_names):
        name = _binomial(text) or ""
        name = renamed.get(name, name)
        rows = [row_of[name]] if name in row_of else genera.get(name.partition(" ")[0], [])
        if rows:
            found_weights[c] = weights[rows].mean(axis=0)
            found_bias[c] = bias[rows].mean()
        known.append(labels[rows[0]] if name in row_of else CONGENERS if rows else "")
    return OwnRows(found_weights, found_bias, tuple(known))


def warm_start(own: OwnRows) -> tuple[np.ndarray, np.ndarray]:
    """Where a warm head starts: at the encoder's own rows and bias.

    A class without any starts at their mean, so that it can be learned.
    """
    unknown = np.array([not how for how in own.known], bool)
    if unknown.all():
        return np.zeros_like(own.weights), np.zeros_like(own.bias)
    weights, bias = own.weights.copy(), own.bias.copy()
    weights[unknown], bias[unknown] = weights[~unknown].mean(axis=0), bias[~unknown].mean()
    return weights, bias


def _binomial(text: str) -> str | None:
    found = latin_name(text)
    return None if found is None else found.binomial
