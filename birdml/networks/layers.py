"""What all networks are made of: convolutions, batch normalisation, residual units, dropout.

Images are [B, channels, F, M]: time first, then frequency. Every initial weight is orthogonal.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Pair = tuple[int, int]
SLOPE = 0.01  # of leaky ReLU below zero


def full_precision(device: torch.device) -> AbstractContextManager:
    """A block in float32, also where what surrounds it is computed in half precision."""
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


def computing_in(dtype: torch.dtype, device: torch.device) -> AbstractContextManager:
    """A block whose products and convolutions are computed in `dtype`, sums in float32."""
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)


class BatchNorm(nn.Module):
    """Batch normalisation of channels: (x - mean) * gamma * inv_std + beta.

    As in Lasagne, the running averages are of the mean and of 1 / sqrt(variance + eps), not of the
    variance, with the biased variance and the same for training and for the averages. Takes
    [B, channels, ...]; `affine=False` leaves out gamma and beta.
    Ioffe and Szegedy, "Batch Normalization", ICML 2015.
    """

    mean: Tensor
    inv_std: Tensor

    def __init__(self, channels: int, affine: bool = True, eps: float = 1e-4, rate: float = 0.1):
        super().__init__()
        self.eps = eps
        self.rate = rate
        self.beta = nn.Parameter(torch.zeros(channels)) if affine else None
        self.gamma = nn.Parameter(torch.ones(channels)) if affine else None
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("inv_std", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            variance = self.inv_std.square().reciprocal()
            return F.batch_norm(x, self.mean, variance, self.gamma, self.beta, False, 0.0, 0.0)
        y, mean, inv_std = _batch_norm(x, self.gamma, self.beta, self.eps)
        with torch.no_grad():
            self.mean.lerp_(mean.to(self.mean.dtype), self.rate)
            self.inv_std.lerp_(inv_std.to(self.inv_std.dtype), self.rate)
        return y


def _batch_norm(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """x normalised with its own statistics, and these: mean and 1 / sqrt(variance + eps) [C]."""
    by_pixel = x.dim() == 4 and not x.is_contiguous() and x.dtype != torch.bfloat16
    by_pixel = by_pixel and x.is_contiguous(memory_format=torch.channels_last)
    if x.device.type == "cpu" and by_pixel:
        mean, inv_std = _channels_last_statistics(x.detach(), eps)
        return _Normalise.apply(x, gamma, beta, mean, inv_std), mean, inv_std
    # the one operation that hands out the batch statistics it has computed anyway
    return torch.native_batch_norm(x, gamma, beta, None, None, True, 0.0, eps)


def _channels_last_statistics(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Mean and 1 / sqrt(variance + eps) of channels [C] for x [B, C, F, M] in channels_last.

    PyTorch adds up all pixels of a channel one after the other in single precision, and loses up
    to four digits in a batch of 30 s. Statistics of each column of pixels (over B and F), then
    their mean over the columns: as fast, and exact to seven digits.
    """
    batch, channels, frames, bands = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(1, batch * frames, 1, bands * channels)
    mean, variance = torch.batch_norm_update_stats(rows.permute(0, 3, 1, 2), None, None, 0.0)
    mean, variance = mean.view(bands, channels), variance.view(bands, channels)
    total = mean.mean(dim=0)
    variance = (variance + (mean - total).square()).mean(dim=0)
    return total, (variance + eps).rsqrt()


class _Normalise(torch.autograd.Function):
    """Batch normalisation with statistics of this batch that are computed already."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, inv_std: Tensor):
        ctx.save_for_backward(x, gamma, beta, mean, inv_std)
        variance = inv_std.square().reciprocal()
        return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, 0.0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor):
        x, gamma, _, mean, inv_std = ctx.saved_tensors
        upper = gradients[0].contiguous(memory_format=torch.channels_last)
        wanted = list(ctx.needs_input_grad[:3])
        lower = torch.ops.aten.native_batch_norm_backward(
            upper, x, gamma, None, None, mean, inv_std, True, 0.0, wanted
        )
        return *lower, None, None


def convolution(
    inputs: int,
    outputs: int,
    kernel: Pair,
    *,
    same: bool = False,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = False,
) -> nn.Conv2d:
    """A convolution [B, inputs, F, M] -> [B, outputs, F', M'], with zero padding only if `same`."""
    padding = (dilation * (kernel[0] - 1) // 2, dilation * (kernel[1] - 1) // 2) if same else 0
    layer = nn.Conv2d(
        inputs, outputs, kernel, padding=padding, dilation=dilation, groups=groups, bias=bias
    )
    return cast(nn.Conv2d, orthogonal(layer))


def orthogonal(layer: nn.Conv2d | nn.Linear) -> nn.Conv2d | nn.Linear:
    """Initialises a layer: weights orthogonal with gain 1, bias zero.

    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks", ICLR 2014.
    """
    nn.init.orthogonal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def convolution_unit(
    inputs: int, outputs: int, kernel: Pair, *, groups: int = 1
) -> tuple[nn.Conv2d, BatchNorm, nn.LeakyReLU]:
    """The plain building block: convolution without padding, batch norm, leaky ReLU."""
    return (
        convolution(inputs, outputs, kernel, groups=groups),
        BatchNorm(outputs),
        nn.LeakyReLU(SLOPE, inplace=True),
    )


class GroupDropout(nn.Module):
    """Drops whole groups of channels of each example, [B, channels, F, M], as grouped convolutions
    have them, and scales the others by 1 / (1 - p). `nn.Dropout2d` does so with single channels."""

    def __init__(self, groups: int, p: float = 0.5):
        super().__init__()
        self.groups = groups
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.p:
            return x
        mask = torch.rand(len(x), self.groups, 1, 1, device=x.device) >= self.p
        mask = mask.repeat_interleave(x.shape[1] // self.groups, dim=1)
        return x * (mask / (1 - self.p)).to(x.dtype)


class LogMeanExpPool2d(nn.Module):
    """log(mean(exp(sharpness * x))) / sharpness of each window, [B, channels, F, M], between
    average and maximum pooling; incomplete windows are dropped."""

    def __init__(self, kernel_size: Pair, sharpness: float = 1.0):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size
        self.sharpness = sharpness

    def forward(self, x: Tensor) -> Tensor:
        # relative to the maximum of its window no exp overflows
        top = F.max_pool2d(x, self.kernel_size)
        rows, columns = top.shape[2:]
        height, width = self.kernel_size
        windows = x[:, :, : rows * height, : columns * width]
        windows = windows.unflatten(3, (columns, width)).unflatten(2, (rows, height))
        windows = self.sharpness * (windows - top[:, :, :, None, :, None])
        return top + windows.exp().mean(dim=(3, 5)).log() / self.sharpness


class ResidualUnit(nn.Module):
    """BN, ReLU, conv, BN, ReLU, conv, plus a shortcut, at the same size [B, channels, F, M].

    Where the number of channels changes, the shortcut is a 1x1 projection. The first unit of a
    trunk starts with its convolution (`preactivate=False`), the last may end in BN and ReLU
    (`postactivate`). With `dilated`, the second convolution is dilated by 2.
    He et al., "Identity Mappings in Deep Residual Networks", ECCV 2016.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Pair = (3, 3),
        *,
        preactivate: bool = True,
        postactivate: bool = False,
        dilated: bool = False,
    ):
        super().__init__()
        self.activate1 = activation(inputs) if preactivate else nn.Identity()
        self.conv1 = convolution(inputs, outputs, kernel, same=True)
        self.activate2 = activation(outputs)
        self.conv2 = convolution(outputs, outputs, kernel, same=True, dilation=2 if dilated else 1)
        projected = inputs != outputs
        self.shortcut = (
            convolution(inputs, outputs, (1, 1), bias=True) if projected else nn.Identity()
        )
        self.activate3 = activation(outputs) if postactivate else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.activate1(x))
        y = self.conv2(self.activate2(y))
        return self.activate3(y + self.shortcut(x))


def activation(channels: int) -> nn.Sequential:
    """BN and ReLU, as residual units begin."""
    return nn.Sequential(BatchNorm(channels), nn.ReLU(inplace=True))
