"""How heads are fitted: from rows of embeddings and targets to weights, in seconds.

Shapes: R rows to learn from (mean embeddings of recordings, and of their noisy copies), N
recordings, W windows, D dimensions of an embedding, C classes. A noisy copy of a recording (mixed
with a recording of nothing before the encoder) is one more row with the same targets.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import orth
from scipy.optimize import minimize
from scipy.special import log_softmax
from torch import Tensor
from torch.nn import functional as F

ITERATIONS = 300  # of L-BFGS, at most
CLOSE = 1e-6  # largest entry of a gradient that counts as nought


class Linear(NamedTuple):
    """logits = embeddings @ weights.T + bias."""

    weights: np.ndarray  # float32 [C, D]
    bias: np.ndarray  # float32 [C]


class Prototypes(NamedTuple):
    """logits = sharpness x cosines to `vectors` of what lies around the centre."""

    vectors: np.ndarray  # float32 [C, D], of length 1; zeros for a class without a row
    centre: np.ndarray  # float32 [D], the mean embedding, which says nothing of any class
    sharpness: float


class Mlp(NamedTuple):
    """One hidden layer of rectified units."""

    first: Linear
    second: Linear


def fit_linear(
    rows: np.ndarray,
    targets: np.ndarray,
    l2: float,
    start: tuple[np.ndarray, np.ndarray] | None = None,
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
    x, t, w = (values.numpy() for values in _learnable(rows, targets, weights))
    scale = float(np.sqrt(np.square(x).sum(1).mean())) or 1.0
    if start is None:
        start = np.zeros((t.shape[1], x.shape[1]), np.float32), np.zeros(t.shape[1], np.float32)
    origin, bias = (np.asarray(values, np.float64) for values in start)
    # the minimum differs from the start only within the span of the rows, which may be small
    basis = np.linalg.qr(x.T)[0]  # [D, min(R, D)]
    # products of large matrices take most of the time, and need no more digits than this
    inner = (x @ basis / scale).astype(np.float32)
    before = (x @ origin.T).astype(np.float32)
    t, w = t.astype(np.float32), (w / w.sum()).astype(np.float32)[:, None]
    shape = (t.shape[1], basis.shape[1])

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        change, own = flat[: -shape[0]].reshape(shape), flat[-shape[0] :]
        likely = log_softmax(
            before + inner @ change.T.astype(np.float32) + own.astype(np.float32), axis=1
        )
        value = -(w * t * likely).sum(dtype=np.float64) + l2 / 2 * np.square(change).sum()
        wrong = w * (np.exp(likely) - t)
        slope = (wrong.T @ inner).astype(np.float64) + l2 * change
        return float(value), np.append(slope.ravel(), wrong.sum(0, dtype=np.float64))

    first = np.append(np.zeros(shape[0] * shape[1]), bias)
    options = {"maxiter": ITERATIONS, "maxcor": 20, "gtol": CLOSE, "ftol": 1e-10}
    found = minimize(loss, first, jac=True, method="L-BFGS-B", options=options).x
    change = found[: -shape[0]].reshape(shape)
    weights = origin + change @ basis.T / scale
    return Linear(weights.astype(np.float32), found[-shape[0] :].astype(np.float32))


def fit_mlp(
    rows: np.ndarray,
    targets: np.ndarray,
    l2: float,
    hidden: int = 256,
    seed: int = 0,
    weights: np.ndarray | None = None,
) -> Mlp:
    """A hidden layer before the softmax; arguments as for `fit_linear`, the start by `seed`.

    The first layer stays within the span of the rows: what lies outside of it is not learned, and
    would be noise of the start in whatever is heard later.
    """
    x, t, w = _learnable(rows, targets, weights)
    scale = float(x.square().sum(1).mean().sqrt()) or 1.0
    basis = torch.from_numpy(orth(x.numpy().T))  # [D, rank]
    inner = x @ basis / scale
    generator = torch.Generator().manual_seed(seed)

    def normal(outputs: int, inputs: int, variance: float) -> Tensor:
        values = torch.randn(outputs, inputs, generator=generator, dtype=torch.float64)
        return values * math.sqrt(variance)

    # rows have length 1, so He et al.'s variance is not divided by their dimensions
    first = normal(hidden, inner.shape[1], 2.0)
    second = normal(t.shape[1], hidden, 1.0 / hidden)
    biases = [torch.zeros(n, dtype=torch.float64) for n in (hidden, t.shape[1])]

    def loss() -> Tensor:
        units = F.relu(inner @ first.T + biases[0])
        size = first.square().sum() + second.square().sum()
        return _cross_entropy(units @ second.T + biases[1], t, w) + l2 / 2 * size

    _minimise(loss, [first, second, *biases])
    return Mlp(_linear(first @ basis.T / scale, biases[0]), _linear(second, biases[1]))


def fit_prototypes(
    rows: np.ndarray,
    targets: np.ndarray,
    sharpness: float = 20.0,
    weights: np.ndarray | None = None,
) -> Prototypes:
    """The mean direction of each class's rows, without learning; arguments as for `fit_linear`.

    >>> found = fit_prototypes(np.eye(2), np.eye(2))
    >>> found.vectors.round(2)
    array([[ 0.71, -0.71],
           [-0.71,  0.71]], dtype=float32)
    """
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


def fit_attention(
    windows: np.ndarray, first: np.ndarray, right: np.ndarray, targets: np.ndarray, l2: float
) -> np.ndarray:
    """A direction, float32 [D], such that the softmax of windows @ direction is their share in a
    recording: windows in which the head errs get less of it.

    Args:
        windows: [W, D] of N recordings, those of recording i at first[i] : first[i + 1].
        right: log probabilities [W, C] by a head that is fitted already.
        targets: [N, C].
        l2: on the direction.
    """
    counts = _counts(first)
    x = torch.as_tensor(np.asarray(windows, np.float64))
    t = torch.as_tensor(_shares(targets))
    likely = torch.as_tensor(right, dtype=torch.float64).exp()
    scale = float(x.square().sum(1).mean().sqrt()) or 1.0
    direction = torch.zeros(x.shape[1], dtype=torch.float64)
    owner = torch.repeat_interleave(torch.arange(len(counts)), torch.as_tensor(counts))

    def loss() -> Tensor:
        score = (x / scale) @ direction
        total = torch.zeros(len(counts), dtype=torch.float64).index_add(0, owner, score.exp())
        share = score.exp() / total[owner]
        shape = (len(counts), t.shape[1])
        mixed = torch.zeros(shape, dtype=torch.float64)
        mixed = mixed.index_add(0, owner, share[:, None] * likely)
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
