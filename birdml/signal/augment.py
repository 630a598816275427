"""Changes to excerpts and targets that make a training set seem larger, or more even.

Signals and spectrograms are torch tensors on any device; what is random comes from a numpy
generator that is handed in, so that a step of training gives the same on every machine. B batch,
S samples, F frames, C classes.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.signal.spectrogram import FRAME_LENGTH

FILTER_CENTRES = (150.0, 8000.0)  # Hz
FILTER_WIDTHS = (5.0, 7.0)  # semitones
NAMED = 3  # recordings named in an error


def mixup(
    samples: Tensor, a: float, rng: np.random.Generator, weights: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Mixes each excerpt with another one of its batch, int16 [B, S] -> int16 [B, S].

    mixed = share x own + (1 - share) x other, share drawn from Beta(a + 1, a), which is 1/2 or
    more on average, the more the smaller `a`; the other from a random order of the batch. The
    target weights [B, C], where given, are mixed alike; without them an excerpt stands for its
    own species only, and the other one is noise to it (after Zhang et al., ICLR 2018).
    """
    shares = torch.from_numpy(rng.beta(a + 1, a, len(samples)).astype(np.float32))
    others = torch.from_numpy(rng.permutation(len(samples)))
    shares, others = shares.to(samples.device)[:, None], others.to(samples.device)
    mixed = torch.lerp(samples[others].float(), samples.float(), shares)
    if weights is not None:
        weights = torch.lerp(weights[others], weights, shares)
    return mixed.round().to(samples.dtype), weights


def random_filters(magnitudes: Tensor, max_db: float, rng: np.random.Generator) -> Tensor:
    """Raises or lowers one band of frequencies of each excerpt, float32 [B, F, bins] -> the same.

    Gains in decibels are g exp(-(d / w)^2 / 2) at d semitones from a centre: g uniform within
    +-`max_db`, the centre log-uniform in 150..8000 Hz, w uniform in 5..7 semitones (Schlüter and
    Grill, ISMIR 2015). The 2018 system drew w from a normal distribution.
    """
    batch, _, bins = magnitudes.shape
    gain = rng.uniform(-max_db, max_db, (batch, 1))
    lowest, highest = FILTER_CENTRES
    centre = lowest * (highest / lowest) ** rng.random((batch, 1))
    width = rng.uniform(*FILTER_WIDTHS, (batch, 1))
    # bin 0 has no pitch: it is taken for half a bin
    frequency = np.maximum(np.arange(bins), 0.5) * (SAMPLE_RATE / FRAME_LENGTH)
    distance = 12 * np.log2(frequency / centre)
    decibels = gain * np.exp(-((distance / width) ** 2) / 2)
    factors = torch.from_numpy((10 ** (decibels / 20)).astype(np.float32))
    return magnitudes * factors.to(magnitudes.device)[:, None, :]


def stretch_and_shift(
    magnitudes: Tensor, max_stretch: float, max_shift: float, rng: np.random.Generator
) -> Tensor:
    """Changes tempo and pitch of each excerpt, float32 [B, F, bins] -> [B, F', bins].

    Tempo changes by a factor uniform within 1 +- `max_stretch`, every frequency by one uniform
    within 1 +- `max_shift`, both below 1; interpolation is linear. So that no excerpt runs out of
    frames, F' = F / (1 + max_stretch), rounded down, taken at a random place. Above the last bin
    its value is repeated. (The 2018 system drew the factors, but did not apply them.)
    """
    batch, frames, bins = magnitudes.shape
    kept = max(1, int(frames / (1 + max_stretch)))
    tempo = rng.uniform(1 - max_stretch, 1 + max_stretch, batch)
    pitch = rng.uniform(1 - max_shift, 1 + max_shift, batch)
    span = np.minimum((kept - 1) * tempo, frames - 1)  # frames of the input that are used
    first = rng.uniform(0, frames - 1 - span)
    # where output row and column, in -1..1, are taken from in the input, in -1..1
    theta = np.zeros((batch, 2, 3), np.float32)
    theta[:, 0, 0] = 1 / pitch
    theta[:, 0, 2] = 1 / pitch - 1
    theta[:, 1, 1] = span / max(1, frames - 1)
    theta[:, 1, 2] = (2 * first + span) / max(1, frames - 1) - 1
    grid = F.affine_grid(torch.from_numpy(theta), [batch, 1, kept, bins], align_corners=True)
    moved = F.grid_sample(
        magnitudes[:, None],
        grid.to(magnitudes.device),
        mode="bilinear",
        padding_mode="border",
        align_corners=True,
    )
    return moved[:, 0]


def class_weights(counts: np.ndarray, beta: float) -> np.ndarray:
    """Factors of the targets of each class that favour rare ones, [C] -> float32 [C].

    ((p_mean / p_c) (1 - p_c) / (1 - p_mean)) ** beta, with p_c the share of class c in `counts`,
    the number of training recordings; `beta` 0 treats all classes alike, 1 evens them out. A
    class that does not occur has factor 1.
    """
    shares = np.asarray(counts, np.float64) / np.sum(counts)
    mean = shares.mean()
    if mean == 1:  # one class: nothing to even out
        return np.ones(len(shares), np.float32)
    safe = np.where(shares > 0, shares, mean)
    return ((mean / safe * (1 - safe) / (1 - mean)) ** beta).astype(np.float32)


def pseudo_labels(files: Sequence[str], predicted: Sequence[str], logits: np.ndarray) -> np.ndarray:
    """Target weights of recordings from saved predictions, float32 [N, C].

    `predicted` names the recording of each row of `logits` [K, C]; a recording with several rows
    (windows) gets the mean of their softmax. Raises UserError for files without a prediction.
    """
    rows: dict[str, list[int]] = {}
    for row, file in enumerate(predicted):
        rows.setdefault(file, []).append(row)
    missing = [file for file in files if file not in rows]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(files)} recordings have no saved prediction "
            f"({', '.join(missing[:NAMED])}{', ...' if len(missing) > NAMED else ''}); "
            "predict their split with the model that is to label them"
        )
    targets = np.empty((len(files), logits.shape[1]), np.float32)
    for target, file in zip(targets, files):
        own = np.asarray(logits[rows[file]], np.float64)
        odds = np.exp(own - own.max(axis=1, keepdims=True))
        target[:] = (odds / odds.sum(axis=1, keepdims=True)).mean(axis=0)
    return targets
