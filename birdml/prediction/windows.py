"""One logit vector per window of a recording, pooled inside each window.

A window of 5 s is the 350 frames that begin in it.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.networks.build import Network
from birdml.networks.combined import CombinedNetwork
from birdml.networks.head import HeadNetwork
from birdml.prediction.recordings import (
    RULES,
    Samples,
    Spread,
    at_least,
    audio_part,
    metadata_logits,
    metadata_tensor,
    on_device,
)
from birdml.prediction.segments import FRAMES_PER_SECOND, windows_2018
from birdml.signal.excerpts import loop
from birdml.signal.spectrogram import FRAME_LENGTH, HOP, num_frames

SECONDS = 5.0
FRAMES_AT_ONCE = {"cpu": 1400, "cuda": 44800}  # 4 and 128 windows of 5 s


def window_starts(samples: int, seconds: float = SECONDS, rule: str = "exact") -> np.ndarray:
    """Beginnings of the windows of that many samples, in seconds, float64 [W].

    `exact`: every window that begins in the recording (60 s has 12 of 5 s). `2018`: those with all
    their frames inside (60 s has 11), or one. Raises UserError for an unknown rule.

    >>> window_starts(12 * SAMPLE_RATE).tolist()
    [0.0, 5.0, 10.0]
    """
    if rule not in RULES:
        raise UserError(f"rule '{rule}' is unknown: use {' or '.join(RULES)}")
    frames = _window_frames(seconds)
    if rule == "2018":
        count = len(windows_2018(num_frames(samples), frames))
    else:
        count = -(-samples // (frames * HOP))
    return np.arange(count) * (frames * HOP / SAMPLE_RATE)


@torch.inference_mode()
def window_logits(
    network: Network,
    samples: Samples,
    seconds: float = SECONDS,
    rule: str = "exact",
    metadata: np.ndarray | None = None,
    progress: Callable[[float], object] = lambda seconds: None,
    spread: Spread = map,
) -> np.ndarray:
    """Logits of every window of a recording, int16 [S] -> float32 [W, C].

    By the rule `exact`, what is left at the end is looped to a whole window; `2018` drops it. A
    metadata network gives one vector, repeated. `seconds` are rounded to whole frames (1/70 s).
    `progress` is called with seconds of audio. `spread`, in the place of `map`, computes windows
    side by side, as many at once in each place as ever.
    Raises UserError for a recording without samples or an unknown rule.
    """
    samples = at_least(samples, 0)
    count = len(window_starts(len(samples), seconds, rule))
    if isinstance(network, HeadNetwork):
        return _head_windows(network, samples, count, _window_frames(seconds) * HOP, progress)
    audio = audio_part(network)
    if audio is None:
        return np.repeat(metadata_logits(network, metadata).cpu().numpy(), count, axis=0)
    frames = _window_frames(seconds)
    if frames < audio.receptive_field:
        raise UserError(
            f"windows of {seconds:g} s are shorter than what the network hears at once "
            f"({audio.receptive_field / FRAMES_PER_SECOND:.2g} s): make them longer"
        )
    device = next(network.parameters()).device.type
    at_once = max(1, FRAMES_AT_ONCE.get(device, FRAMES_AT_ONCE["cuda"]) // frames)
    whole = rule == "2018" and audio.receptive_field <= num_frames(len(samples)) < frames

    def some(first: int) -> Tensor:
        numbers = range(first, min(first + at_once, count))
        if whole:
            windows = [samples[:]]  # not looped in 2018
        else:
            windows = [_window(samples, number, frames) for number in numbers]
        return audio(on_device(audio, np.stack(windows)))

    logits = []
    firsts = range(0, count, at_once)
    for first, rows in zip(firsts, spread(some, firsts)):
        logits.append(rows)
        progress(min(len(rows) * seconds, len(samples) / SAMPLE_RATE - first * seconds))
    result = torch.cat(logits)
    if isinstance(network, CombinedNetwork):
        result = network.add(result, metadata_tensor(network, metadata))
    return result.float().cpu().numpy()


def _head_windows(
    network: HeadNetwork,
    samples: Samples,
    count: int,
    length: int,
    progress: Callable[[float], object],
) -> np.ndarray:
    """Each window is a recording of its own; the last one is as long as it is."""
    rows = []
    for number in range(count):
        window = samples[number * length : (number + 1) * length]
        rows.append(network.of_recording(window))
        progress(len(window) / SAMPLE_RATE)
    return np.stack(rows)


def _window(samples: Samples, number: int, frames: int) -> np.ndarray:
    """The samples that the frames of one window cover, which reach into the next one; looped where
    the recording ends before."""
    length, start = HOP * (frames - 1) + FRAME_LENGTH, HOP * frames * number
    window = samples[start : start + length]
    return window if len(window) == length else loop(window, length)


def _window_frames(seconds: float) -> int:
    return round(seconds * FRAMES_PER_SECOND)
