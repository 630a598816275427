"""Scores of every frame, and of a sliding window at any hop, of recordings of any length.

The network at full time resolution gives one output per frame of its receptive field's beginning;
output h + stride * j of it is output j of the network on a window that begins at frame h. So the
pooled scores of all windows come from one pass, shared by all windows that see the same frames.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from birdml.dataset.recording import SAMPLE_RATE
from birdml.networks.audio import AudioNetwork
from birdml.networks.dense import dense_scores_from_mel
from birdml.networks.pooling import Attention
from birdml.prediction.recordings import MINIMUM_SECONDS, Samples, Spread, segment_mel
from birdml.prediction.segments import FRAMES_PER_SECOND, Segment, exact_segments, outputs_of
from birdml.prediction.windows import SECONDS
from birdml.signal.excerpts import loop
from birdml.signal.spectrogram import HOP, num_frames

FRAMES_AT_ONCE = 1200  # of dense scores: 17 s


@torch.inference_mode()
def frame_scores(
    audio: AudioNetwork, samples: Samples, spread: Spread = map
) -> Iterator[tuple[int, Tensor]]:
    """Scores before pooling around every frame of int16 [S], piece by piece: number of the first
    frame and scores [C + K, n] of it and the next ones.

    A score is made from the frames that lie half a receptive field (0.7 s) before and after its
    frame; the first and last of a recording have none where a network does not pad. Memory does
    not grow with the length of the recording. `spread` computes pieces in the place of `map`.
    """
    geometry = audio.geometry._replace(stride=1)
    centre = geometry.receptive_field // 2 - geometry.padding  # frame of the first output

    def of(segment: Segment) -> Tensor:
        scores = dense_scores_from_mel(audio, segment_mel(audio, samples, segment))[0]
        return scores[:, segment.first : segment.last]

    for scores in spread(of, exact_segments(num_frames(len(samples)), geometry, FRAMES_AT_ONCE)):
        yield centre, scores
        centre += scores.shape[1]


def with_neighbours(samples: Samples) -> tuple[Samples, float]:
    """Samples in which every frame of a recording has what it needs before and after it, and the
    number of the frame at which the recording begins.

    Recordings under 3 s are looped, and heard in a middle round; others are left as they are.
    """
    if len(samples) >= MINIMUM_SECONDS * SAMPLE_RATE:
        return samples, 0.0
    rounds = -(-SAMPLE_RATE // len(samples))  # a second before it
    looped = loop(samples[:], (rounds + 1) * len(samples) + SAMPLE_RATE)
    return looped, rounds * len(samples) / HOP


@torch.inference_mode()
def sliding_logits(
    audio: AudioNetwork,
    samples: Samples,
    seconds: float = SECONDS,
    hop: int = 1,
    spread: Spread = map,
) -> Iterator[np.ndarray]:
    """Logits of windows that begin every `hop` frames (1/70 s) and end inside the recording.

    Pieces float32 [n, C] in order of time, for int16 [S]; window number i begins at frame hop * i.
    Equal to `window_logits` of each window (for residual trunks but for the padding that a window
    cut out has at its edges), at a cost that hardly depends on the hop.
    """
    frames, length = num_frames(len(samples)), round(seconds * FRAMES_PER_SECOND)
    count = max(0, (frames - length) // hop + 1)
    outputs = outputs_of(length, audio.geometry)
    reach = audio.stride * (outputs - 1) + 1  # dense scores that one window is pooled from
    waiting, begin, done = None, 0, 0  # scores that windows still need; where they begin
    for _, scores in frame_scores(audio, samples, spread):
        waiting = scores if waiting is None else torch.cat([waiting, scores], dim=1)
        ready = min(count, (begin + waiting.shape[1] - reach) // hop + 1) - done
        if ready > 0:
            first = done * hop - begin
            last = first + (ready - 1) * hop + reach
            pooled = pool_windows(audio, waiting[:, first:last], outputs)[::hop]
            yield pooled.float().cpu().numpy()
            done += ready
            drop = min(done * hop - begin, waiting.shape[1])
            waiting, begin = waiting[:, drop:], begin + drop


def pool_windows(audio: AudioNetwork, scores: Tensor, outputs: int) -> Tensor:
    """Pools every window of `outputs` scores that lie a stride apart, [C + K, n] -> [m, C].

    Window i takes scores i, i + stride, ...; m = n - stride * (outputs - 1). What windows share is
    added up once, in powers of two, where the pooling can be merged.
    """
    pool: Any = audio.pool
    stride, count = audio.stride, scores.shape[1] - audio.stride * (outputs - 1)
    if isinstance(pool, Attention):
        classes, attention = scores[: -pool.extra], scores[-pool.extra :].contiguous()
        strides = (1, attention.stride(0), stride)
        windows = attention.as_strided((count, pool.extra, outputs), strides)
        weights = windows.softmax(dim=-1).mean(dim=1)
        pooled = torch.zeros_like(classes[:, :count])
        for j in range(outputs):
            pooled.addcmul_(classes[:, stride * j : stride * j + count], weights[:, j])
        return pooled.T
    doubled = pool.partial(scores.T[..., None])  # of 1, 2, 4, ... scores from each frame on
    total, width, taken = None, 1, 0
    while taken < outputs:
        if outputs & width:
            part = _rows(doubled, stride * taken, stride * taken + count)
            total = part if total is None else pool.merge(total, part)
            taken += width
        if taken < outputs:
            length = scores.shape[1] - stride * (2 * width - 1)
            later = _rows(doubled, stride * width, stride * width + length)
            doubled = pool.merge(_rows(doubled, 0, length), later)
            width *= 2
    return pool.finish(total)


def _rows(state: Any, first: int, last: int) -> Any:
    """The part of a pooling's state that belongs to rows of its batch."""
    if isinstance(state, Tensor):
        return state[first:last]
    parts = (part[first:last] if isinstance(part, Tensor) else part for part in state)
    return type(state)(*parts)
