"""Per-channel energy normalisation with learnable parameters, without a loop over frames.

Wang et al., "Trainable Frontend for Robust and Far-Field Keyword Spotting", ICASSP 2017.
"""

from typing import Any

import torch
from torch import Tensor, nn

EPS = 1e-6
BLOCK = 32  # frames smoothed by one matrix product


def smooth(x: Tensor, s: Tensor) -> Tensor:
    """m[0] = x[0], m[t] = (1 - s) m[t-1] + s x[t]; x [B, F, M], s [M] in 0..1 -> [B, F, M]."""
    shares = torch.cat([torch.ones_like(s)[None], s.expand(x.shape[1] - 1, -1)])
    by_band = _Recursion.apply((x * shares).permute(2, 0, 1), 1 - s)
    return by_band.permute(1, 2, 0).contiguous()


class _Recursion(torch.autograd.Function):
    """`_recursion` with its gradient, which is the same recursion backwards in time."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, keep: Tensor) -> Tensor:
        y = _recursion(x, keep)
        ctx.save_for_backward(y, keep)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        y, keep = ctx.saved_tensors
        lower = _recursion(gradients[0], keep, backwards=True)
        return lower, (lower[:, :, 1:] * y[:, :, :-1]).sum(dim=(1, 2))


def _recursion(x: Tensor, keep: Tensor, backwards: bool = False) -> Tensor:
    """y[t] = keep y[t-1] + x[t] from y[-1] = 0; x [M, N, F], keep [M] -> [M, N, F].

    `backwards`: y[t] = keep y[t+1] + x[t] from y[F] = 0. Exact: inside a block of frames the
    recursion is a triangular matrix, one per band; the values that blocks hand on to each other
    follow the same recursion, with keep ** BLOCK. Powers are only ever taken with exponents >= 0,
    so nothing overflows.
    """
    bands, rows, frames = x.shape
    decay = _decay(keep, min(frames, BLOCK))
    if backwards:
        decay = decay.transpose(1, 2)
    if frames <= BLOCK:
        return torch.bmm(x, decay)
    blocks = -(-frames // BLOCK)
    x = nn.functional.pad(x, (0, blocks * BLOCK - frames)).view(bands, rows * blocks, BLOCK)
    inside = torch.bmm(x, decay)
    leaving = inside[:, :, 0 if backwards else -1].view(bands, rows, blocks)
    leaving = _recursion(leaving, keep**BLOCK, backwards)
    entering = leaving[:, :, 1:] if backwards else leaving[:, :, :-1]
    entering = nn.functional.pad(entering, (0, 1) if backwards else (1, 0))
    steps = torch.arange(1, BLOCK + 1, device=x.device)
    fading = keep[:, None] ** (steps.flip(0) if backwards else steps)  # [M, BLOCK]
    y = torch.baddbmm(inside, entering.view(bands, rows * blocks, 1), fading[:, None])
    return y.view(bands, rows, blocks * BLOCK)[:, :, :frames]


def _decay(keep: Tensor, size: int) -> Tensor:
    """keep ** (column - row) on and above the diagonal, zero below; [M] -> [M, size, size]."""
    powers = keep[:, None] ** torch.arange(size, device=keep.device)
    # row by row the powers, one later each: windows of zeros and powers, last window first
    return nn.functional.pad(powers, (size - 1, 0)).unfold(1, size, 1).flip(1)


class PCEN(nn.Module):
    """(x / (eps + smooth(x))^alpha + delta)^r - delta^r per mel band, [B, F, M] -> [B, F, M].

    The smoother's s (starting at 0.025), alpha, delta and r (at 1) are learned per band, as
    logarithms; `learn_alpha=False` keeps alpha at 1.
    """

    log_alpha: Tensor

    def __init__(self, bands: int = 80, learn_alpha: bool = True):
        super().__init__()
        self.log_s = nn.Parameter(torch.full((bands,), 0.025).log())
        if learn_alpha:
            self.log_alpha = nn.Parameter(torch.zeros(bands))
        else:
            self.register_buffer("log_alpha", torch.zeros(bands))
        self.log_delta = nn.Parameter(torch.zeros(bands))
        self.log_r = nn.Parameter(torch.zeros(bands))

    def forward(self, x: Tensor) -> Tensor:
        m = smooth(x, self.log_s.exp())
        return _Compression.apply(
            x, m, self.log_alpha.exp(), self.log_delta.exp(), self.log_r.exp()
        )


class _Compression(torch.autograd.Function):
    """(x / (eps + m)^alpha + delta)^r - delta^r with its gradient written out: powers are kept as
    logarithms, and a third of the passes over memory are left."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, m: Tensor, alpha: Tensor, delta: Tensor, r: Tensor) -> Tensor:
        m = m + EPS
        log_m = m.log()
        gain = (log_m * -alpha).exp_()
        inner = (x * gain).add_(delta)
        log_inner = inner.log()
        power = (log_inner * r).exp_()
        ctx.save_for_backward(x, m, log_m, gain, inner, log_inner, power, alpha, delta, r)
        return power - delta**r

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        x, m, log_m, gain, inner, log_inner, power, alpha, delta, r = ctx.saved_tensors
        upper = gradients[0]
        total, offset = upper.sum(dim=(0, 1)), delta**r
        of_exponent = upper * power
        of_r = (of_exponent * log_inner).sum(dim=(0, 1)) - total * offset * delta.log()
        of_inner = of_exponent.mul_(r).div_(inner)
        of_delta = of_inner.sum(dim=(0, 1)) - total * offset * r / delta
        of_x = of_inner.mul_(gain)
        of_log_gain = of_x * x
        of_alpha = -(of_log_gain * log_m).sum(dim=(0, 1))
        return of_x, of_log_gain.mul_(-alpha).div_(m), of_alpha, of_delta, of_r
