"""Heads: species out of the embeddings of a pretrained encoder, fitted in seconds.

Shapes: R rows to learn from (mean embeddings of recordings, and of their noisy copies), N
recordings, W windows, D dimensions of an embedding, C classes, L labels of the encoder.

A head gives logits of windows; `pooled` makes those of recordings out of them. It is learned from
mean embeddings, where the linear ones are convex. A noisy copy of a recording (mixed with a
recording of nothing before the encoder) is one more row with the same targets.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from birdml.dataset.names import latin_name

ITERATIONS = 300  # of LBFGS, at most
ABSENT = -30.0  # logit of a class that neither the encoder nor its genus tells anything about


class Linear(NamedTuple):
    """logits = embeddings @ weights.T + bias."""

    weights: np.ndarray  # float32 [C, D]
    bias: np.ndarray  # float32 [C]

    def __call__(self, embeddings: np.ndarray) -> np.ndarray:
        """[W, D] -> logits float32 [W, C]."""
        return np.asarray(embeddings, np.float32) @ self.weights.T + self.bias


@dataclass(frozen=True)
class Prototypes:
    """logits = cosines to the prototype of each class, sharpened.

    Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017, with
    cosines.
    """

    vectors: np.ndarray  # float32 [C, D], of length 1; zeros for a class without a row
    centre: np.ndarray  # float32 [D], the mean embedding, which says nothing of any class
    sharpness: float

    def __call__(self, embeddings: np.ndarray) -> np.ndarray:
        """[W, D] -> logits float32 [W, C]."""
        return self.sharpness * _unit(embeddings - self.centre) @ self.vectors.T


@dataclass(frozen=True)
class Mlp:
    """One hidden layer of rectified units."""

    first: Linear
    second: Linear

    def __call__(self, embeddings: np.ndarray) -> np.ndarray:
        """[W, D] -> logits float32 [W, C]."""
        return self.second(np.maximum(self.first(embeddings), 0))


Head = Callable[[np.ndarray], np.ndarray]


def fit_linear(
    rows: np.ndarray,
    targets: np.ndarray,
    l2: float,
    start: Linear | None = None,
    weights: np.ndarray | None = None,
) -> Linear:
    """Softmax regression, pulled towards where it starts.

    Minimises sum_r w_r CE(targets_r, softmax(W x_r + b)) / sum_r w_r + l2/2 |W - W_0|^2, with x
    scaled so that its mean square length is 1 (and W accordingly), so that `l2` means the same for
    every encoder. Convex: the result depends on nothing but the arguments.

    Args:
        rows: [R, D].
        targets: shares of the classes [R, C], not negative; rows are scaled to a sum of 1.
        l2: above 0.
        start: W_0 and b to start from, such as the encoder's own rows (a warm head); else zeros.
        weights: of the rows [R], not negative; else 1 each.
    """
    x, t, w = _learnable(rows, targets, weights)
    scale = float(x.square().sum(1).mean().sqrt()) or 1.0
    if start is None:
        shape = (t.shape[1], x.shape[1])
        start = Linear(np.zeros(shape, np.float32), np.zeros(shape[0], np.float32))
    origin = torch.as_tensor(start.weights, dtype=torch.float64)
    # the minimum differs from the start only within the span of the rows, which may be small
    basis = torch.linalg.qr(x.T).Q  # [D, min(R, D)]
    inner, logits = x @ basis / scale, x @ origin.T
    change = torch.zeros(t.shape[1], basis.shape[1], dtype=torch.float64)
    bias = torch.as_tensor(start.bias, dtype=torch.float64).clone()

    def loss() -> Tensor:
        away = change.square().sum()
        return _cross_entropy(logits + inner @ change.T + bias, t, w) + l2 / 2 * away

    _minimise(loss, [change, bias])
    return _linear(origin + change @ basis.T / scale, bias)


def fit_mlp(
    rows: np.ndarray,
    targets: np.ndarray,
    l2: float,
    hidden: int = 256,
    seed: int = 0,
    weights: np.ndarray | None = None,
) -> Mlp:
    """A hidden layer before the softmax; arguments as for `fit_linear`, the start by `seed`."""
    x, t, w = _learnable(rows, targets, weights)
    scale = float(x.square().sum(1).mean().sqrt()) or 1.0
    generator = torch.Generator().manual_seed(seed)

    def normal(outputs: int, inputs: int, gain: float) -> Tensor:
        values = torch.randn(outputs, inputs, generator=generator, dtype=torch.float64)
        return values * math.sqrt(gain / inputs)

    # rows have length 1, not D: He et al.'s gain times D
    first, second = normal(hidden, x.shape[1], 2.0 * x.shape[1]), normal(t.shape[1], hidden, 1.0)
    biases = [torch.zeros(n, dtype=torch.float64) for n in (hidden, t.shape[1])]

    def loss() -> Tensor:
        inner = F.relu((x / scale) @ first.T + biases[0])
        size = first.square().sum() + second.square().sum()
        return _cross_entropy(inner @ second.T + biases[1], t, w) + l2 / 2 * size

    _minimise(loss, [first, second, *biases])
    return Mlp(_linear(first / scale, biases[0]), _linear(second, biases[1]))


def fit_prototypes(
    rows: np.ndarray,
    targets: np.ndarray,
    sharpness: float = 20.0,
    weights: np.ndarray | None = None,
) -> Prototypes:
    """The mean direction of each class's rows, without learning; arguments as for `fit_linear`."""
    x, t, w = (values.numpy() for values in _learnable(rows, targets, weights))
    centre = (w[:, None] * x).sum(0) / w.sum()
    vectors = (t * w[:, None]).T @ _unit(x - centre)
    return Prototypes(_unit(vectors), centre.astype(np.float32), sharpness)


def mixup(
    rows: np.ndarray, targets: np.ndarray, alpha: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """As many rows again, each a mixture of two, as are their targets.

    Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
    """
    share = rng.beta(alpha, alpha, len(rows))[:, None].astype(np.float32)
    other = rng.permutation(len(rows))
    return share * rows + (1 - share) * rows[other], share * targets + (1 - share) * targets[other]


@dataclass(frozen=True)
class OwnRows:
    """What an encoder's own output layer says of C classes: a head without training, and where a
    warm one starts."""

    head: Linear
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
        known.append(labels[rows[0]] if name in row_of else "congeners" if rows else "")
    return OwnRows(Linear(found_weights, found_bias), tuple(known))


def warm_start(own: OwnRows) -> Linear:
    """Where a warm head starts: at the encoder's own rows; a class without any at their mean, so
    that it can be learned."""
    unknown = np.array([not how for how in own.known], bool)
    if unknown.all():
        return Linear(np.zeros_like(own.head.weights), np.zeros_like(own.head.bias))
    weights, bias = own.head.weights.copy(), own.head.bias.copy()
    weights[unknown], bias[unknown] = weights[~unknown].mean(axis=0), bias[~unknown].mean()
    return Linear(weights, bias)


def means(windows: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Mean embeddings of N recordings, float32 [N, D]: of windows [W, D], those of recording i at
    first[i] : first[i + 1]. Raises ValueError for a recording without windows."""
    counts = _counts(first)
    sums = np.add.reduceat(np.asarray(windows, np.float32), first[:-1], axis=0)
    return sums / counts[:, None]


def pooled(
    logits: np.ndarray,
    first: np.ndarray,
    sharpness: float = 1.0,
    attention: np.ndarray | None = None,
) -> np.ndarray:
    """Logits of N recordings out of those of their windows, float32 [N, C].

    log(sum_w a_w p_w^s) / s with p the softmax of a window's logits: the mean of probabilities at
    s = 1, close to their maximum where s is large.

    Args:
        logits: [W, C].
        first: the windows of recording i are first[i] : first[i + 1], int [N + 1].
        sharpness: s, above 0.
        attention: [W], a_w is their softmax within a recording; else all the same.

    Raises:
        ValueError: for a recording without windows.
    """
    counts = _counts(first)
    z = torch.as_tensor(np.asarray(logits, np.float32)).log_softmax(1) * sharpness
    share = np.zeros(len(z), np.float32) if attention is None else attention
    result = [
        torch.logsumexp(part + torch.as_tensor(a, dtype=torch.float32).log_softmax(0)[:, None], 0)
        for part, a in zip(z.split(counts.tolist()), np.split(share, first[1:-1]))
    ]
    return (torch.stack(result) / sharpness).numpy()


def fit_attention(
    head: Head, windows: np.ndarray, first: np.ndarray, targets: np.ndarray, l2: float
) -> np.ndarray:
    """A direction, float32 [D], such that windows @ direction is the attention of `pooled`: windows
    in which the head errs get less of it.

    Args:
        head: fitted already; it stays as it is.
        windows: [W, D] of N recordings, those of recording i at first[i] : first[i + 1].
        targets: [N, C].
        l2: on the direction.
    """
    counts = _counts(first)
    x = torch.as_tensor(np.asarray(windows, np.float64))
    t = torch.as_tensor(_shares(targets))
    right = torch.as_tensor(head(np.asarray(windows, np.float32)), dtype=torch.float64)
    right = right.log_softmax(1)
    scale = float(x.square().sum(1).mean().sqrt()) or 1.0
    direction = torch.zeros(x.shape[1], dtype=torch.float64)
    owner = torch.repeat_interleave(torch.arange(len(counts)), torch.as_tensor(counts))

    def loss() -> Tensor:
        score = (x / scale) @ direction
        total = torch.zeros(len(counts), dtype=torch.float64).index_add(0, owner, score.exp())
        share = score.exp() / total[owner]
        shape = (len(counts), t.shape[1])
        mixed = torch.zeros(shape, dtype=torch.float64)
        mixed = mixed.index_add(0, owner, share[:, None] * right.exp())
        away = direction.square().sum()
        return -(t * (mixed + 1e-12).log()).sum(1).mean() + l2 / 2 * away

    _minimise(loss, [direction])
    return (direction / scale).numpy().astype(np.float32)


def _minimise(loss: Callable[[], Tensor], parameters: list[Tensor]) -> None:
    """Changes the parameters in place to where a smooth loss is least."""
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimiser = torch.optim.LBFGS(
        parameters,
        max_iter=ITERATIONS,
        history_size=20,
        tolerance_grad=1e-6,
        tolerance_change=1e-10,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    optimiser.step(closure)  # type: ignore[arg-type]
    for parameter in parameters:
        parameter.requires_grad_(False)


def _cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    return -(weights * (targets * logits.log_softmax(1)).sum(1)).sum() / weights.sum()


def _learnable(
    rows: np.ndarray, targets: np.ndarray, weights: np.ndarray | None
) -> tuple[Tensor, Tensor, Tensor]:
    """float64 tensors: rows, shares of classes, weights of rows."""
    x = torch.as_tensor(np.asarray(rows, np.float64))
    w = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    if len(x) != len(targets) or w.shape != (len(x),) or not w.sum() > 0:
        raise ValueError(f"rows, targets and weights disagree: {len(x)}, {len(targets)}, {w.shape}")
    return x, torch.as_tensor(_shares(targets)), torch.as_tensor(w)


def _shares(targets: np.ndarray) -> np.ndarray:
    targets = np.asarray(targets, np.float64)
    total = targets.sum(axis=1, keepdims=True)
    if not (total > 0).all() or (targets < 0).any():
        raise ValueError("every row needs a class, and no share may be negative")
    return targets / total


def _counts(first: np.ndarray) -> np.ndarray:
    counts = np.diff(first)
    if not len(counts) or counts.min() < 1:
        raise ValueError("a recording without windows")
    return counts


def _linear(weights: Tensor, bias: Tensor) -> Linear:
    return Linear(weights.numpy().astype(np.float32), bias.numpy().astype(np.float32))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """float32 of length 1, or 0 where it was 0."""
    vectors = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _binomial(text: str) -> str | None:
    found = latin_name(text)
    return None if found is None else found.binomial
