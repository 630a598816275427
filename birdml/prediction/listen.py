"""What one or several models say about a recording: species and times.

Several models (an ensemble) answer by the weighted sum of their logits.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch

from birdml.calibration.events import Event, merged
from birdml.calibration.reading import Reading
from birdml.dataset.recording import SAMPLE_RATE, Recording
from birdml.errors import UserError
from birdml.networks.audio import AudioNetwork
from birdml.networks.build import Network
from birdml.networks.combined import CombinedNetwork
from birdml.networks.head import HeadNetwork
from birdml.prediction.detections import best_species, joined
from birdml.prediction.evidence import explained
from birdml.prediction.frames import frame_scores, sliding_logits, with_neighbours
from birdml.prediction.heads import frame_head, sliding_head
from birdml.prediction.recordings import (
    Samples,
    Spread,
    audio_part,
    metadata_logits,
    pooled_logits,
)
from birdml.prediction.segments import FRAMES_PER_SECOND
from birdml.prediction.split import encoded_metadata
from birdml.prediction.windows import SECONDS, window_logits, window_starts
from birdml.signal.spectrogram import FRAME_LENGTH, HOP, num_frames
from birdml.zoo.saved import SavedModel

WINDOWS = ("recording", "5s", "frame")
Members = Sequence[tuple[SavedModel, float]]


SOFTMAX = Reading()
CLOSE = 0.5  # of its threshold, down to which an event of frames goes on
FRAME_CENTRE = FRAME_LENGTH / 2 / SAMPLE_RATE  # seconds after its beginning


@dataclass(frozen=True)
class Asked:
    """What a recording is asked: `windows` (one of WINDOWS), how many species (`top`), and its
    date, time and place. `hop` in seconds lets windows of 5 s overlap; 0: they follow each other.
    `merge`: windows that touch and hold the same species above its threshold become one.
    `explain`: what was heard and what date, time and place added are told apart.
    """

    windows: str = "recording"
    top: int = 5
    hop: float = 0.0
    merge: bool = True
    explain: bool = False
    date: str = ""
    time: str = ""
    latitude: float | None = None
    longitude: float | None = None
    elevation: float | None = None

    def __post_init__(self) -> None:
        if self.windows not in WINDOWS:
            raise UserError(f"windows='{self.windows}'; it can be {', '.join(WINDOWS)}")
        if self.top < 1:
            raise UserError(f"top={self.top}; it must be at least 1")
        if self.hop and (self.windows != "5s" or not 0 < self.hop <= SECONDS):
            raise UserError(f"hop={self.hop:g}: windows=5s can begin every 0.015 to 5 seconds")

    @property
    def told_nothing(self) -> "Asked":
        """The same without date, time and place."""
        nothing = {"date": "", "time": "", "latitude": None, "longitude": None, "elevation": None}
        return replace(self, **nothing)  # type: ignore[arg-type]

    @property
    def hop_frames(self) -> int:
        """The hop in whole frames, at least one."""
        return max(1, round(self.hop * FRAMES_PER_SECOND))

    @property
    def recording(self) -> Recording:
        return Recording(
            file="",
            split="",
            date=self.date,
            time=self.time,
            latitude=self.latitude,
            longitude=self.longitude,
            elevation=self.elevation,
        )


def listen(
    members: Members,
    samples: Samples,
    asked: Asked,
    reading: Reading = SOFTMAX,
    progress: Callable[[float], object] = lambda seconds: None,
    spread: Spread = map,
) -> Iterator[Event]:
    """The best species of each window of a recording, int16 [S], in order of time.

    Where there are thresholds and `asked.merge`, windows of one species become one event; of
    frames, one that opens at the threshold and goes on down to CLOSE times it. Otherwise frames
    become stretches with the same species at the same rank. With `asked.explain` (which needs
    thresholds), events tell what date, time and place added, and those that they took away are
    among them. `progress` is called with seconds of
    audio; `spread`, in the place of `map`, computes pieces of the recording side by side. Raises
    UserError where there are no samples.
    """
    pieces = _pieces(members, samples, asked, progress, spread)
    frames = asked.windows == "frame"
    if asked.explain:
        close, added = CLOSE if frames else 1.0, place_added(members, asked)
        yield from explained(pieces, added, reading, close, asked.top)
        return
    if asked.merge and reading.thresholds is not None:
        blocks = ((starts, ends, reading.scores(logits), logits) for starts, ends, logits in pieces)
        close = CLOSE if frames else 1.0
        yield from merged(blocks, reading.thresholds, close, asked.top)
        return
    detections = (
        detection
        for starts, ends, logits in pieces
        for detection in best_species(starts, ends, logits, reading, asked.top)
    )
    yield from joined(detections) if frames else detections


def _pieces(
    members: Members,
    samples: Samples,
    asked: Asked,
    progress: Callable[[float], object],
    spread: Spread,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Starts and ends in seconds [n], and logits [n, C], of some windows at a time."""
    length = np.array([len(samples) / SAMPLE_RATE])
    share = 1 / len(members)

    def step(seconds: float) -> None:
        progress(seconds * share)

    whole = num_frames(len(samples)) >= SECONDS * FRAMES_PER_SECOND  # at least one window
    hears = any(model.recipe.takes_samples for model, _ in members)
    if asked.windows == "recording" or (asked.windows == "frame" and not hears):
        logits = weighted_sum(members, asked, pooled_logits, samples, step, spread)
        yield 0 * length, length, logits[None]
    elif asked.windows == "5s" and not (asked.hop and hears and whole):
        starts = window_starts(len(samples))
        logits = weighted_sum(members, asked, window_logits, samples, step, spread)
        yield starts, np.minimum(starts + SECONDS, length), logits
    else:
        reached = following = 0.0
        for frames, logits in all_frames(members, samples, asked, spread):
            if asked.windows == "5s":
                reached = float(frames[-1]) / FRAMES_PER_SECOND + SECONDS
                following = float(frames[-1]) + asked.hop_frames
                starts = frames / FRAMES_PER_SECOND
                yield starts, starts + SECONDS, logits
            else:
                starts = (frames - 0.5) / FRAMES_PER_SECOND + FRAME_CENTRE
                ends = np.minimum(starts + 1 / FRAMES_PER_SECOND, length)
                yield np.maximum(starts, 0.0), ends, logits
            progress(len(frames) * asked.hop_frames / FRAMES_PER_SECOND)
        while asked.windows == "5s" and reached < length[0] - 1e-6:  # those that hold the end
            rest = samples[round(following) * HOP :]
            logits = weighted_sum(members, asked, window_logits, rest)[:1]
            start = following / FRAMES_PER_SECOND
            reached, following = start + SECONDS, following + asked.hop_frames
            yield np.array([start]), np.minimum(reached, length), logits


def weighted_sum(
    members: Members,
    asked: Asked,
    predict: Any,
    samples: Samples,
    step: Callable[[float], object] = lambda seconds: None,
    spread: Spread = map,
) -> np.ndarray:
    """Weighted sum of the logits that `predict` (pooled_logits, window_logits) gives for each
    member."""
    rows = [
        weight
        * predict(m.network, samples, metadata=_metadata(m, asked), progress=step, spread=spread)
        for m, weight in members
    ]
    return np.asarray(np.sum(rows, axis=0, dtype=np.float64), np.float32)


@torch.inference_mode()
def place_added(members: Members, asked: Asked) -> np.ndarray:
    """What knowing date, time and place adds to the logits of every window, float64 [C].

    Against the same networks when they are told nothing: what they expect anywhere and any time.
    """
    added: np.ndarray = np.zeros(len(members[0][0].species))
    for model, weight in members:
        network: Any = model.network
        if isinstance(network, CombinedNetwork):
            weight = weight * float(network.weight)
            network = network.metadata
        elif model.recipe.takes_samples:
            continue
        told, nothing = (_constant(network, model, a) for a in (asked, asked.told_nothing))
        added = added + weight * (told.astype(np.float64) - nothing)[0]
    return added


def all_frames(
    members: Members, samples: Samples, asked: Asked, spread: Spread = map
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frame numbers [n] and logits [n, C] of the weighted sum, piece by piece.

    With windows=5s, of windows that begin at these frames, a hop apart; else of every frame that
    is the centre of what all the networks need to see. Recordings under 3 s are looped; the
    numbers of their frames may be fractions.
    """
    length, begin = len(samples), 0.0
    if asked.windows != "5s":
        samples, begin = with_neighbours(samples)
    constant: np.ndarray = np.zeros(1, np.float32)
    streams = []
    for model, weight in members:
        network = cast(Network, model.network)
        if isinstance(network, HeadNetwork):
            streams.append((_head_stream(network, samples, asked), weight))
            continue
        audio = audio_part(network)
        if audio is None:
            constant = constant + weight * _constant(network, model, asked)
        if isinstance(network, CombinedNetwork):
            share = weight * network.weight
            constant = constant + share * _constant(network.metadata, model, asked)
        if audio is not None:
            streams.append((_stream(audio, samples, asked, spread), weight))
    hop = asked.hop_frames if asked.windows == "5s" else 1
    for first, logits in _in_step(streams):
        numbers = hop * np.arange(first, first + len(logits)) - begin
        centres = numbers * HOP + FRAME_LENGTH / 2
        there = (centres >= 0) & (centres < length)
        if there.any():
            yield numbers[there], (logits[there] + constant).astype(np.float32)


@torch.inference_mode()
def _constant(network: Network, model: SavedModel, asked: Asked) -> np.ndarray:
    return metadata_logits(network, _metadata(model, asked)).cpu().numpy()


def _stream(
    audio: AudioNetwork, samples: Samples, asked: Asked, spread: Spread
) -> Iterator[tuple[int, np.ndarray]]:
    """Number of the first row and rows [n, C] of one network, piece by piece."""
    if asked.windows == "5s":
        first = 0
        for logits in sliding_logits(audio, samples, hop=asked.hop_frames, spread=spread):
            yield first, logits
            first += len(logits)
    else:
        for first, scores in frame_scores(audio, samples, spread):
            yield first, scores[: audio.classes].T.float().cpu().numpy()


def _head_stream(
    network: HeadNetwork, samples: Samples, asked: Asked
) -> Iterator[tuple[int, np.ndarray]]:
    if asked.windows == "5s":
        return sliding_head(network, samples, asked.hop_frames)
    return frame_head(network, samples)


def _in_step(
    streams: Sequence[tuple[Iterator[tuple[int, np.ndarray]], float]],
) -> Iterator[tuple[int, np.ndarray]]:
    """The weighted sum of streams, for those row numbers that all of them have."""
    none = (0, np.zeros((0, 0), np.float32))
    pending = [none] * len(streams)
    while True:
        for i, (stream, _) in enumerate(streams):
            if not len(pending[i][1]):
                following = next(stream, None)
                if following is None:
                    return
                pending[i] = following
        begin = max(first for first, _ in pending)
        pending = [(begin, rows[begin - first :]) for first, rows in pending]
        count = min(len(rows) for _, rows in pending)
        if count:
            weighted = [w * rows[:count] for (_, w), (_, rows) in zip(streams, pending)]
            yield begin, np.sum(weighted, axis=0)
            pending = [(begin + count, rows[count:]) for _, rows in pending]


def _metadata(model: SavedModel, asked: Asked) -> np.ndarray | None:
    encoded = encoded_metadata(model, [asked.recording])
    return None if encoded is None else encoded[0]
