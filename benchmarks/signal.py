"""Spectrograms and excerpts against the ways of 2018: `python -m benchmarks.signal`."""

import tempfile
from itertools import cycle
from pathlib import Path

import numpy as np
import pyfftw
import soundfile
import torch

from benchmarks._measure import in_turn, row
from birdml.dataset.recording import SAMPLE_RATE
from birdml.networks.build import build_network
from birdml.signal.excerpts import TrainingExcerpts, read
from birdml.signal.spectrogram import bins_for, spectrogram
from birdml.signal.wav import AudioReader
from birdml.zoo.recipe import AudioRecipe

FILES, SECONDS = 300, (5.0, 30.0)
BATCHES = 60
EXCERPTS, CLASSES = 16, 1500  # of 5 s, of BirdCLEF 2018
HEADER = 44  # bytes of the WAV files that are made here


def plain_spectrogram(samples: np.ndarray) -> np.ndarray:
    """The kind of 2018: a plan for each call, 48 frames at once in new arrays, all bins kept."""
    window = np.hanning(1024).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, 1024)[::315]
    buffer = pyfftw.empty_aligned((48, 1024), "float32")
    transform = pyfftw.builders.rfft(buffer, threads=1)
    alone = pyfftw.builders.rfft(buffer[0], threads=1)
    whole = len(frames) // 48 * 48
    parts = [np.abs(transform(frames[i : i + 48] * window)) for i in range(0, whole, 48)]
    parts += [np.abs(alone(frame * window))[None] for frame in frames[whole:]]
    return np.vstack(parts)[:, : bins_for(10000)]


def mapped_excerpts(paths: list[Path], lengths: np.ndarray, batch) -> np.ndarray:
    """The way of 2018: a memory map opened at each access; a new array for each excerpt."""
    excerpts = []
    for i, start in zip(batch.indices, batch.starts):
        samples = np.memmap(paths[i], np.int16, "r", offset=HEADER, shape=(lengths[i],))
        excerpts.append(samples[start : start + batch.samples])
    return np.stack(excerpts)


def _spectrograms() -> dict:
    rng = np.random.default_rng(0)
    samples = rng.integers(-20000, 20000, 5 * SAMPLE_RATE, dtype=np.int16)
    np.testing.assert_allclose(spectrogram(samples), plain_spectrogram(samples), rtol=1e-3, atol=2)
    ours, reference = in_turn(lambda: spectrogram(samples), lambda: plain_spectrogram(samples), 500)
    return row(
        "spectrogram",
        5 / ours,
        5 / reference,
        reference / ours,
        "plain pyfftw loop: plan per call, 48 frames at once, all bins",
        "seconds of audio per second, one thread",
    )


@torch.inference_mode()
def _of_networks() -> list[dict]:
    """audio1's spectrogram by pyfftw against the same by torch.fft; and of its whole forward."""
    network = build_network(AudioRecipe("audio1"), CLASSES).eval()
    module, rng = network.spectrogram, np.random.default_rng(0)
    shape = (EXCERPTS, 5 * SAMPLE_RATE)
    samples = torch.from_numpy(rng.integers(-20000, 20000, shape, dtype=np.int16))
    what = f"{EXCERPTS} excerpts of 5 s"
    rows, before = [], torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        on = f"{threads} thread{'s' * (threads > 1)}"
        ours, theirs = in_turn(lambda: module(samples), lambda: module.by_torch(samples), 100)
        name = f"the networks' spectrogram, {what}, {on}"
        rows.append(row(name, ours, theirs, theirs / ours, "the same by torch.fft"))
        whole, other = in_turn(
            lambda: network(samples), lambda: network.from_magnitudes(module.by_torch(samples)), 7
        )
        shares = ours / whole, theirs / other
        name = f"share of it in audio1's forward pass, {on}"
        rows.append(row(name, *shares, shares[1] / shares[0], "the same by torch.fft", "1"))
    torch.set_num_threads(before)
    return rows


def _excerpts(folder: Path) -> dict:
    rng = np.random.default_rng(0)
    lengths = (rng.uniform(*SECONDS, FILES) * SAMPLE_RATE).astype(np.int64)
    noise = rng.integers(-3000, 3000, int(SECONDS[1] * SAMPLE_RATE), dtype=np.int16)
    paths = [folder / f"{i}.wav" for i in range(FILES)]
    for path, length in zip(paths, lengths):
        soundfile.write(path, noise[:length], SAMPLE_RATE, subtype="PCM_16")
    reader = AudioReader(paths)
    draws = TrainingExcerpts(lengths, 16, 5, 10, 10, seed=0)
    batches = [draws.batch(step) for step in range(BATCHES)]
    for batch in batches:  # everything lies in memory before the clock starts
        np.testing.assert_array_equal(read(reader, batch), mapped_excerpts(paths, lengths, batch))
    turns = cycle(batches), cycle(batches)
    ours, reference = in_turn(
        lambda: read(reader, next(turns[0])),
        lambda: mapped_excerpts(paths, lengths, next(turns[1])),
        5 * BATCHES,
    )
    return row(
        "excerpts",
        16 / ours,
        16 / reference,
        reference / ours,
        "memory map opened at each access (files in the page cache)",
        "excerpts of 5-10 s per second, int16",
    )


def run() -> list[dict]:
    """Ours and the reference in turn, medians."""
    with tempfile.TemporaryDirectory() as folder:
        return [_spectrograms(), *_of_networks(), _excerpts(Path(folder))]


if __name__ == "__main__":
    for result in run():
        print(result)
