"""Sliding windows and whole recordings of the plain audio network of 1500 species."""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from birdml.networks.build import build_network
from birdml.networks.dense import dense_scores
from birdml.prediction.frames import sliding_logits
from birdml.prediction.recordings import pooled_logits
from birdml.zoo.load import load_zoo

CLASSES = 1500
WINDOW = 349 * 315 + 1024  # samples of 5 s
ROUNDS = 3


def _noise(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (3000 * rng.standard_normal(round(22050 * seconds))).astype(np.int16)


def _in_turn(ours: Callable[[], object], reference: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of both, run in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for spent, function in zip(times, (ours, reference)):
            start = time.perf_counter()
            function()
            spent.append(time.perf_counter() - start)
    return median(times[0]), median(times[1])


def run() -> list[dict]:
    """Seconds per second of audio; references as named in each row."""
    torch.manual_seed(0)
    network = build_network(load_zoo()["audio1"], CLASSES).eval()
    rows = []

    long = _noise(60)  # at hop 1, windows begin at 70 frames in every second
    windows = sum(len(part) for part in sliding_logits(network, long))
    one = torch.from_numpy(long[:WINDOW])[None]

    def every_window() -> None:
        with torch.inference_mode():
            network(one)

    ours, single = _in_turn(lambda: list(sliding_logits(network, long)), every_window)
    rows.append(
        {
            "name": "windows of 5 s at a hop of one frame",
            "ours": windows / ours,
            "reference": 1 / single,
            "ratio": windows * single / ours,
            "unit": "windows/s",
            "what_reference_is": "the network on each window of 5 s alone",
        }
    )

    samples = _noise(26)
    whole = torch.from_numpy(samples)[None]

    def strided() -> None:
        with torch.inference_mode():
            network.scores(whole)

    def dense() -> None:
        with torch.inference_mode():
            dense_scores(network, whole)

    ours, reference = _in_turn(dense, strided)
    rows.append(
        {
            "name": "scores of every frame",
            "ours": 26 / ours,
            "reference": 26 / reference,
            "ratio": reference / ours,
            "unit": "x real time",
            "what_reference_is": "one score every 9 frames: the strided network in one pass",
        }
    )

    samples = _noise(90)
    whole = torch.from_numpy(samples)[None]

    def one_pass() -> None:
        with torch.inference_mode():
            network(whole)

    ours, reference = _in_turn(lambda: pooled_logits(network, samples), one_pass)
    rows.append(
        {
            "name": "whole recording in segments",
            "ours": 90 / ours,
            "reference": 90 / reference,
            "ratio": reference / ours,
            "unit": "x real time",
            "what_reference_is": "one unsegmented pass, its memory grows with the length",
        }
    )
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
