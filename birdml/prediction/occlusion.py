"""Where in a spectrogram a head hears a species: what its score loses with that part quietened.

An encoder is run, not differentiated: its runtime gives no gradients. Zeiler and Fergus,
"Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2, with tiles of sound
in place of grey squares.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from scipy.signal import ShortTimeFFT

from birdml.dataset.recording import SAMPLE_RATE
from birdml.encoders.pretrained import encode, session_of
from birdml.encoders.windows import blocks_of, stream_windows
from birdml.machine import cores
from birdml.networks.frontend import hertz_of, mel_of
from birdml.networks.head import HeadNetwork
from birdml.prediction.recordings import Samples
from birdml.signal.spectrogram import FRAME_LENGTH, HOP, num_frames

TILES, BANDS = 6, 8  # of a window of the encoder: over time, and over the mel scale
LOWEST, HIGHEST = 150.0, 10500.0  # Hz
HEARD = 0.01  # windows with less of a say than this, against the one with the most, are left out


def occlusion(network: HeadNetwork, samples: Samples, label: int) -> tuple[np.ndarray, np.ndarray]:
    """How much each band at each frame speaks for a species, int16 [S] -> float32 [F, 8], >= 0,
    and the middles of the bands in Hz [8].

    The logarithm of the species' probability in a window less that with a tile of it brought down
    to the quiet level of its frequencies (their median over the window), times the say of the
    window in the recording. A frame in several windows has the most that one of them tells.
    Raises UserError where the encoder is not installed, or another one.
    """
    encoder = network.encoder
    starts, windows = zip(*stream_windows(blocks_of(samples), encoder))
    embeddings = encode(encoder, session_of(encoder), np.stack(windows)).embeddings
    say = network.say(embeddings, label)
    ends = mel_of(torch.tensor([LOWEST, min(HIGHEST, encoder.rate / 2)], dtype=torch.float64))
    mel = torch.linspace(float(ends[0]), float(ends[1]), 2 * BANDS + 1, dtype=torch.float64)
    hertz = hertz_of(mel).numpy()
    edges, centres = hertz[::2], hertz[1::2]
    told = np.zeros((num_frames(len(samples)), BANDS), np.float32)
    middles = (np.arange(len(told)) * HOP + FRAME_LENGTH / 2) / SAMPLE_RATE  # seconds
    chosen = np.flatnonzero(say >= HEARD * say.max())

    def losses(window: int) -> np.ndarray:
        quiet = _quietened(windows[window], encoder.rate, edges)
        found = encode(encoder, session_of(encoder), quiet).embeddings
        every = np.concatenate([embeddings[window : window + 1], found])
        likely = network.of_windows(every)[:, label]
        return say[window] * (likely[0] - likely[1:]).reshape(TILES, BANDS)

    with ThreadPoolExecutor(cores()) as pool:
        for window, lost in zip(chosen, pool.map(losses, chosen)):
            place = (middles - starts[window] / encoder.rate) / encoder.window * TILES
            inside = (place >= 0) & (place < TILES)
            rows = lost[place[inside].astype(int)]
            told[inside] = np.maximum(told[inside], rows)
    return told, centres


def _quietened(window: np.ndarray, rate: int, edges: np.ndarray) -> np.ndarray:
    """A window float32 [S] with one tile after the other quietened, [6 * 8, S]."""
    length = round(rate * FRAME_LENGTH / SAMPLE_RATE)
    transform = ShortTimeFFT(np.hanning(length + 1)[:-1], length // 4, rate)
    spectrum = transform.stft(window)  # [bins, frames]
    level = np.abs(spectrum)
    quiet = np.median(level, axis=1, keepdims=True)
    loud = spectrum * np.maximum(0, 1 - quiet / np.maximum(level, 1e-12))
    times = transform.t(len(window)) / (len(window) / rate) * TILES
    tiles = []
    for tile in range(TILES):
        for lowest, highest in itertools.pairwise(edges):
            bins = (transform.f >= lowest) & (transform.f < highest)
            frames = (times >= tile) & (times < tile + 1)
            part = np.where(bins[:, None] & frames, loud, 0)
            tiles.append(window - transform.istft(part, k1=len(window)))
    return np.asarray(tiles, np.float32)
