"""What is learned: targets, and the loss of logits against them."""

import torch
from torch import Tensor
from torch.nn import functional as F


def targets(
    foreground: Tensor, present: Tensor | None, classes: int, teacher: Tensor | None = None
) -> Tensor:
    """Target weights of each class, float32 [B, C]; their sums are not made 1.

    One-hot foreground species [B], plus foreground and background species (`present`, bool
    [B, C]; so the foreground then counts 2), plus a teacher's softmax output [B, C] (born-again
    networks, Furlanello et al., ICML 2018).
    """
    weights = F.one_hot(foreground, classes).to(torch.float32)
    if present is not None:
        weights += present
    if teacher is not None:
        weights += teacher
    return weights


def marked_targets(present: Tensor, background: bool) -> Tensor:
    """Target weights of excerpts whose marks are known, float32 [B, C].

    The species that sing in an excerpt (`present`, bool [B, C]) share 1; with `background` each of
    them has 1 more, as in `targets`. Where nothing sings, all are 0.
    """
    heard = present.to(torch.float32)
    weights = heard / heard.sum(dim=1, keepdim=True).clamp(min=1)
    return weights + heard if background else weights


def shares(foreground: Tensor, present: Tensor, background: float) -> Tensor:
    """Target shares of each class, float32 [B, C], that sum to 1.

    The foreground species [B] counts 1, each other species of `present` (bool [B, C]) counts
    `background`, before they are divided by their sum.
    """
    weights = background * present.to(torch.float32)
    weights = weights.scatter(1, foreground[:, None], 1.0)
    return weights / weights.sum(dim=1, keepdim=True)


def cross_entropy(logits: Tensor, weights: Tensor) -> Tensor:
    """Categorical cross-entropy -sum_c weights_c log softmax(logits)_c of each example, [B]."""
    return -(weights * F.log_softmax(logits, dim=1)).sum(dim=1)
