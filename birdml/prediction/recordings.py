"""One logit vector per recording: scores over time of all of it, pooled once.

Samples are anything that has a length and gives int16 arrays for slices: an array, a memory map,
or a file that is read where it is asked for.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.networks.audio import AudioNetwork
from birdml.networks.build import Network
from birdml.networks.combined import CombinedNetwork, audio_part
from birdml.networks.head import HeadNetwork
from birdml.networks.pcen import PCEN
from birdml.prediction.segments import FRAMES_PER_SECOND, Segment, exact_segments, segments_2018
from birdml.signal.excerpts import loop
from birdml.signal.spectrogram import num_frames

RULES = ("exact", "2018")
MINIMUM_SECONDS = 3.0
# of the network: 15 s on a CPU (longer leaves the cache, shorter repeats more frames at the cuts);
# 4 minutes on a GPU, which most recordings fit in whole
OUTPUTS_AT_ONCE = {"cpu": 115, "cuda": 1840}


# as `map`: what a function makes of each of many things, in their order, however it is computed
Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


class Samples(Protocol):
    """int16 [S], perhaps not in memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice) -> np.ndarray: ...


@torch.inference_mode()
def pooled_logits(
    network: Network,
    samples: Samples | None,
    rule: str = "exact",
    minimum_seconds: float = MINIMUM_SECONDS,
    metadata: np.ndarray | None = None,
    progress: Callable[[float], object] = lambda seconds: None,
    spread: Spread = map,
) -> np.ndarray:
    """Logits of one whole recording, int16 [S] -> float32 [C].

    `exact`: those of one pass over the whole recording, to 1e-5 relative, in memory that does not
    grow with its length. `2018`: 63 s every 60 s, as published.
    Recordings under `minimum_seconds` are looped. `metadata` float32 [D] is for networks that
    take it; one that takes nothing else ignores `samples`. `progress` is called with
    seconds of audio. `spread`, in the place of `map`, computes segments side by side.
    Raises UserError for a recording without samples or an unknown rule.
    """
    if isinstance(network, HeadNetwork):
        samples = at_least(samples, 0)
        progress(len(samples) / SAMPLE_RATE)
        return network.of_recording(samples)
    audio = audio_part(network)
    if audio is None:
        return metadata_logits(network, metadata).cpu().numpy()[0]
    samples = at_least(samples, minimum_seconds)
    pool: Any = audio.pool  # each kind has a state of its own
    state = None
    for scores in score_pieces(audio, samples, rule, spread):
        piece = pool.partial(scores)
        state = piece if state is None else pool.merge(state, piece)
        progress(scores.shape[-1] * audio.stride / FRAMES_PER_SECOND)
    logits = pool.finish(state)
    if isinstance(network, CombinedNetwork):
        logits = network.add(logits, metadata_tensor(network, metadata))
    return logits.float().cpu().numpy()[0]


def score_pieces(
    audio: AudioNetwork, samples: Samples, rule: str = "exact", spread: Spread = map
) -> Iterator[Tensor]:
    """Scores over time, before pooling, of int16 [S], piece by piece: [1, C + K, t].

    Joined, the exact ones are those of one pass: T outputs, one every `audio.stride` frames.
    Raises UserError for an unknown rule or fewer frames than one output needs.
    """
    if rule not in RULES:
        raise UserError(f"rule '{rule}' is unknown: use {' or '.join(RULES)}")
    frames = num_frames(len(samples))
    if rule == "exact":
        device = next(audio.parameters()).device.type
        at_once = OUTPUTS_AT_ONCE.get(device, OUTPUTS_AT_ONCE["cuda"])
        segments = exact_segments(frames, audio.geometry, at_once)
    else:
        segments = segments_2018(frames, audio.geometry)
    if not segments or segments[0].last < 1:
        raise UserError(
            f"{len(samples)} samples are too few for one output of the network: loop them first"
        )
    whole = rule == "exact"
    return iter(spread(lambda one: segment_scores(audio, samples, one, whole), segments))


def segment_scores(
    audio: AudioNetwork, samples: Samples, segment: Segment, whole: bool = True
) -> Tensor:
    """Scores over time of one segment's counted outputs, [1, C + K, last - first].

    `whole`: what the frontend remembers of earlier frames (PCEN) is as in a pass over all of them.
    """
    mel = segment_mel(audio, samples, segment, whole)
    return audio.scores_from_mel(mel)[..., segment.first : segment.last]


def segment_mel(
    audio: AudioNetwork, samples: Samples, segment: Segment, whole: bool = True
) -> Tensor:
    """The frontend's mel bands of one segment, [1, 1, F, M]."""
    memory = min(segment.start, frontend_memory(audio)) if whole else 0
    extended = Segment(segment.start - memory, segment.stop, 0, 0)
    magnitudes = audio.spectrogram(on_device(audio, samples[extended.samples])[None])
    return audio.frontend(magnitudes)[:, :, memory:]


def frontend_memory(audio: AudioNetwork) -> int:
    """Frames until an earlier frame no longer matters (1e-8) to the frontend; 0 without PCEN."""
    magnitude = audio.frontend.magnitude
    if not isinstance(magnitude, PCEN):
        return 0
    keep = 1 - float(magnitude.log_s.detach().exp().min().clamp(1e-9, 1 - 1e-9))
    return int(np.ceil(np.log(1e-8) / np.log(keep)))


def at_least(samples: Samples | None, seconds: float) -> Samples:
    """The samples, looped to that many seconds where they are shorter.

    Raises UserError where there are none.
    """
    if samples is None or len(samples) == 0:
        raise UserError("the recording holds no samples")
    length = int(seconds * SAMPLE_RATE)
    return samples if len(samples) >= length else loop(samples[:], length)


def on_device(network: Network, values: np.ndarray) -> Tensor:
    """An array as a tensor where the network's weights lie."""
    return torch.from_numpy(np.array(values)).to(next(network.parameters()).device)


def metadata_tensor(network: Network, metadata: np.ndarray | None) -> Tensor:
    """Encoded metadata [D] as [1, D] on the network's device; ValueError where there is none."""
    if metadata is None:
        raise ValueError("this network takes metadata: hand in encoded values [D]")
    return on_device(network, np.asarray(metadata, np.float32).reshape(1, -1))


def metadata_logits(network: Network, metadata: np.ndarray | None) -> Tensor:
    """Logits of a metadata network, [1, C]."""
    return network(metadata_tensor(network, metadata)).float()
