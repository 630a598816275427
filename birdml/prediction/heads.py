"""Heads in time: windows at any hop, every frame, and the recordings of a dataset.

A frame is judged by the encoder's window whose middle is nearest to it: scores change in the steps
of the encoder's hop.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE, Recording
from birdml.encoders.compute import embed_dataset
from birdml.encoders.pretrained import hear_samples
from birdml.machine import cores
from birdml.networks.head import HeadNetwork
from birdml.prediction.recordings import Samples
from birdml.prediction.segments import FRAMES_PER_SECOND
from birdml.prediction.windows import SECONDS
from birdml.signal.spectrogram import FRAME_LENGTH, HOP, num_frames


def sliding_head(
    network: HeadNetwork, samples: Samples, hop: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Number and logits float32 [1, C] of windows of 5 s that begin every `hop` frames and end
    inside the recording, int16 [S]."""
    length = round(SECONDS * FRAMES_PER_SECOND) * HOP
    for number in range(max(0, (len(samples) - length) // (hop * HOP) + 1)):
        window = samples[number * hop * HOP : number * hop * HOP + length]
        yield number, network.of_recording(window)[None]


def frame_head(network: HeadNetwork, samples: Samples) -> Iterator[tuple[int, np.ndarray]]:
    """Number of the first frame, and log probabilities float32 [n, C] of it and the next ones."""
    vectors, starts = hear_samples(network.encoder, samples)
    rows = network.of_windows(vectors)
    middles = starts / network.encoder.rate + network.encoder.window / 2  # seconds
    between = (middles[:-1] + middles[1:]) / 2
    frames = np.ceil((between * SAMPLE_RATE - FRAME_LENGTH / 2) / HOP).astype(int)
    ends = [*frames.tolist(), num_frames(len(samples))]
    begin = 0
    for row, end in zip(rows, ends):
        if end > begin:
            yield begin, np.repeat(row[None], end - begin, axis=0)
            begin = end


def of_dataset(
    network: HeadNetwork,
    dataset: Dataset,
    recordings: Sequence[Recording],
    progress: Callable[[float], object],
) -> Iterator[np.ndarray]:
    """Logits float32 [1, C] of each recording, by the dataset's embeddings, which are computed
    where they are missing."""
    embeddings = embed_dataset(dataset, network.encoder, cores())
    for recording in recordings:
        yield network.of_embeddings(embeddings.of(recording.file))[None]
        progress(recording.samples / SAMPLE_RATE)
