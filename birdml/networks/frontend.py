"""From int16 samples to standardised mel bands: spectrogram, filter bank, magnitude, standardise.

All of it is float32, also under autocast: 16-bit floats lose the quiet frames.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.networks.layers import BatchNorm, full_precision
from birdml.networks.pcen import PCEN
from birdml.signal.spectrogram import (
    FRAME_LENGTH,
    HOP,
    bins_for,
    mel_filterbank,
    spectrogram,
    window,
)

INT16_MAX = 32767.0  # filter banks divide by it: samples are not scaled to 1


class Spectrogram(nn.Module):
    """Magnitudes of a short-time Fourier transform, int16 [B, S] -> float32 [B, F, bins].

    Frames of 1024 samples every 315, symmetric Hann window, no padding:
    F = (S - 1024) // 315 + 1. Only the lowest `bins` of 513 are kept. In evaluation, int16 samples
    on a CPU go by `birdml.signal.spectrogram` (pyfftw), all else by torch.fft: other devices,
    floats, and what is traced, exported or compiled. The two agree to 1e-6 of a frame's largest
    magnitude; training stays with torch, so that the same seed gives the model that it always gave.
    Raises UserError for less than one frame.
    """

    window: Tensor

    def __init__(self, bins: int = 465):
        super().__init__()
        self.bins = bins
        self.register_buffer("window", torch.from_numpy(window().copy()), persistent=False)

    @torch.no_grad()
    def forward(self, samples: Tensor) -> Tensor:
        if samples.shape[-1] < FRAME_LENGTH:
            raise UserError(
                f"a recording of {samples.shape[-1]} samples is shorter than one frame "
                f"({FRAME_LENGTH}): loop or pad it first"
            )
        if not self.training and self.window.dtype == torch.float32 and _is_plain(samples):
            threads = torch.get_num_threads()
            return torch.from_numpy(spectrogram(samples.numpy(), self.bins, threads=threads))
        return self.by_torch(samples)

    def by_torch(self, samples: Tensor) -> Tensor:
        """The same by torch.fft, of int16 or float [B, S]."""
        frames = samples.float().unfold(-1, FRAME_LENGTH, HOP) * self.window
        spectrum = torch.fft.rfft(frames)[..., : self.bins]
        return torch.linalg.vector_norm(torch.view_as_real(spectrum), dim=-1)


# How many modes watch each operation (make_fx, fake tensors); torch has no public name for it.
_modes = getattr(torch._C, "_len_torch_dispatch_stack", int)


def _is_plain(samples: Tensor) -> bool:
    """Whether these are int16 samples in memory that torch only computes with."""
    return (
        type(samples) is Tensor
        and samples.dtype == torch.int16
        and samples.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()
        and not _modes()
    )


def mel_of(hertz: Tensor) -> Tensor:
    """mel = 1127 ln(1 + f / 700)."""
    return 1127.0 * torch.log1p(hertz / 700.0)


def hertz_of(mel: Tensor) -> Tensor:
    """The inverse of `mel_of`."""
    return 700.0 * torch.expm1(mel / 1127.0)


class MelBank(nn.Module):
    """Fixed triangular filters of unit sum, [B, F, bins] -> [B, F, M]; int16 scale becomes 1."""

    filters: Tensor

    def __init__(self, bands: int = 80, mel_min: float = 27.5, mel_max: float = 10000.0):
        super().__init__()
        bank = mel_filterbank(bands=bands, mel_min=mel_min, mel_max=mel_max)[: bins_for(mel_max)]
        filters = torch.from_numpy((bank / INT16_MAX).astype(np.float32))
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, magnitudes: Tensor) -> Tensor:
        return magnitudes @ self.filters


class LearnableMelBank(nn.Module):
    """Triangular filters whose peaks are learned, [B, F, bins] -> [B, F, M].

    `spacings` [M + 2] holds the first peak and the distances to each next one, in mel; filter m
    rises from peak m to m + 1 and falls to m + 2, linear in Hz, with height 1. With `spread` > 0,
    all peaks are stretched while training, by one random factor per batch, normal around 1 with
    that deviation. `scale` multiplies the filters: 1 / 32767 turns int16 into 1; the 2018 system
    forgot it here (scale=1.0).
    """

    frequencies: Tensor

    def __init__(
        self,
        bands: int = 80,
        mel_min: float = 27.5,
        mel_max: float = 10000.0,
        spread: float = 0.0,
        bins: int | None = None,
        scale: float = 1 / INT16_MAX,
    ):
        super().__init__()
        self.spread = spread
        self.scale = scale
        bins = bins or bins_for(mel_max)
        low, high = mel_of(torch.tensor([mel_min, mel_max], dtype=torch.float64))
        spacings = torch.full((bands + 2,), float((high - low) / (bands + 1)))
        spacings[0] = low
        self.spacings = nn.Parameter(spacings)
        frequencies = torch.arange(bins, dtype=torch.float64) * (SAMPLE_RATE / FRAME_LENGTH)
        self.register_buffer("frequencies", frequencies.float(), persistent=False)

    def filters(self) -> Tensor:
        """The filters as they are now, [bins, M]."""
        mel = self.spacings.cumsum(0)
        if self.training and self.spread:
            mel = mel * (1 + self.spread * torch.randn((), device=mel.device))
        peaks = hertz_of(mel)
        low, centre, high = peaks[:-2], peaks[1:-1], peaks[2:]
        position = self.frequencies[:, None]
        rising = (position - low) / (centre - low)
        falling = (high - position) / (high - centre)
        return torch.minimum(rising, falling).clamp(min=0) * self.scale

    def forward(self, magnitudes: Tensor) -> Tensor:
        return magnitudes @ self.filters()


class LearnablePower(nn.Module):
    """x ** sigmoid(a), with one learnable scalar a, starting at 0 (a square root)."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        if not x.requires_grad:
            return x ** self.a.sigmoid()
        # the slope at silence is infinite and would make every gradient below it NaN
        silent = x <= 0
        return (x.masked_fill(silent, 1.0) ** self.a.sigmoid()).masked_fill(silent, 0.0)


class Log(nn.Module):
    """log(max(x, 1e-7))."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(min=1e-7).log()


class Log1p(nn.Module):
    """log(1 + x)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.log1p()


class LearnableLog1p(nn.Module):
    """log(1 + exp(a) x), with one learnable scalar a, starting at 0."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return (self.a.exp() * x).log1p()


class Standardise(nn.Module):
    """Each mel band to mean 0 and deviation 1 over batch and time, [B, F, M] -> [B, F, M]."""

    def __init__(self, bands: int):
        super().__init__()
        self.normalise = BatchNorm(bands, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.normalise(x.flatten(0, 1)).view_as(x)


def filterbank_named(
    name: str, bands: int, mel_min: float, mel_max: float, spread: float
) -> MelBank | LearnableMelBank:
    """`mel` (fixed) or `mel_learn`. Raises UserError for anything else."""
    if name == "mel":
        return MelBank(bands, mel_min, mel_max)
    if name == "mel_learn":
        return LearnableMelBank(bands, mel_min, mel_max, spread)
    raise UserError(f"filterbank '{name}' is unknown: use mel or mel_learn")


def magnitude_named(name: str, bands: int) -> nn.Module:
    """`power`, `log`, `log1p`, `log1p_learn`, `pcen` or `none`. Raises UserError otherwise."""
    kinds: dict[str, Any] = {
        "power": LearnablePower,
        "log": Log,
        "log1p": Log1p,
        "log1p_learn": LearnableLog1p,
        "pcen": lambda: PCEN(bands),
        "none": nn.Identity,
    }
    if name not in kinds:
        raise UserError(f"magnitude '{name}' is unknown: use one of {', '.join(kinds)}")
    return kinds[name]()


class Frontend(nn.Module):
    """Magnitudes [B, F, bins] -> standardised mel bands [B, 1, F, M], always float32."""

    def __init__(self, filterbank: nn.Module, magnitude: nn.Module, bands: int):
        super().__init__()
        self.filterbank = filterbank
        self.magnitude = magnitude
        self.standardise = Standardise(bands)

    def forward(self, magnitudes: Tensor) -> Tensor:
        with full_precision(magnitudes.device):
            x = self.standardise(self.magnitude(self.filterbank(magnitudes)))
        # one channel, laid out as channels_last: convolutions after it are faster so
        return x.unsqueeze(-1).permute(0, 3, 1, 2)
