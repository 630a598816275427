"""Which species is heard when, for the eye: curves of the best species, attention, saliency."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from scipy.special import softmax

from birdml.dataset.recording import SAMPLE_RATE, Species
from birdml.networks.build import Network
from birdml.networks.pooling import Attention
from birdml.prediction.frames import frame_scores, with_neighbours
from birdml.prediction.listen import FRAME_CENTRE, Asked, Members, all_frames, weighted_sum
from birdml.prediction.recordings import Samples, audio_part
from birdml.prediction.segments import FRAMES_PER_SECOND
from birdml.prediction.windows import SECONDS, window_logits, window_starts

LONGEST = 30.0  # seconds in one figure: more cannot be read at a glance
TOP = 5


@dataclass(frozen=True)
class ScoreCurves:
    """What a figure of a stretch of a recording shows.

    Seconds `first` to `last` of the recording; `times` [T] of the frames in it, in seconds;
    `labels` of the best species, the best first; their `shares` of the softmax, 0..1 [T, K];
    `attention` [T], None where no model has it.
    """

    first: float
    last: float
    times: np.ndarray
    labels: list[int]
    shares: np.ndarray
    attention: np.ndarray | None


def curves(
    members: Members, samples: Samples, asked: Asked, also: Sequence[int] = ()
) -> ScoreCurves:
    """The curves of the part of a recording in which a species is heard best, int16 [S].

    The best species are those with the highest mean share of the softmax in that part; those of
    the labels `also` are shown in any case.
    """
    asked = replace(asked, windows="frame", hop=0.0)
    length = len(samples) / SAMPLE_RATE
    first = _best_part(members, samples, asked) if length > LONGEST else 0.0
    last = min(first + LONGEST, length)
    stretch = samples[round(first * SAMPLE_RATE) : round(last * SAMPLE_RATE)]
    numbers, logits = zip(*all_frames(members, stretch, asked))
    shares = softmax(np.concatenate(logits), axis=1)
    times = first + np.concatenate(numbers) / FRAMES_PER_SECOND + FRAME_CENTRE
    best = np.argsort(-shares.mean(axis=0), kind="stable")[:TOP].tolist()
    labels = best + [label for label in also if label not in best]
    attention = _attention(members, stretch, np.concatenate(numbers))
    return ScoreCurves(
        first,
        last,
        times,
        labels,
        shares[:, labels],
        attention,
    )


def _best_part(members: Members, samples: Samples, asked: Asked) -> float:
    """Where a part begins in whose middle the window of 5 s has the highest share of a species."""
    logits = weighted_sum(members, asked, window_logits, samples)
    shares = softmax(logits, axis=1).max(axis=1)
    middle = window_starts(len(samples))[shares.argmax()] + SECONDS / 2
    return float(np.clip(middle - LONGEST / 2, 0, len(samples) / SAMPLE_RATE - LONGEST))


@torch.inference_mode()
def _attention(members: Members, samples: Samples, numbers: np.ndarray) -> np.ndarray | None:
    """Attention to each of these frames, averaged over the models that have it; sums to 1."""
    found = []
    for model, _ in members:
        audio = audio_part(cast(Network, model.network))
        if audio is None or not isinstance(audio.pool, Attention):
            continue
        looped, begin = with_neighbours(samples)
        firsts, scores = zip(*frame_scores(audio, looped))
        weights = audio.pool.weights(torch.cat(scores, dim=1)[None])[0].cpu().numpy()
        found.append(weights[np.rint(numbers + begin).astype(int) - firsts[0]])
    return np.mean(found, axis=0) if found else None


def named(labels: Sequence[int], species: Sequence[Species]) -> list[str]:
    """Latin names (class ids where there is none) of labels."""
    return [species[label].latin_name or species[label].class_id for label in labels]
