"""Sliding windows and whole recordings of the plain audio network of 1500 species."""

import numpy as np
import torch

from benchmarks._measure import in_turn, row
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

    ours, single = in_turn(lambda: list(sliding_logits(network, long)), every_window, ROUNDS, 0)
    rows.append(
        row(
            "windows of 5 s at a hop of one frame",
            windows / ours,
            1 / single,
            windows * single / ours,
            "the network on each window of 5 s alone",
            "windows/s",
        )
    )

    samples = _noise(26)
    whole = torch.from_numpy(samples)[None]

    def strided() -> None:
        with torch.inference_mode():
            network.scores(whole)

    def dense() -> None:
        with torch.inference_mode():
            dense_scores(network, whole)

    ours, reference = in_turn(dense, strided, ROUNDS, 0)
    rows.append(
        row(
            "scores of every frame",
            26 / ours,
            26 / reference,
            reference / ours,
            "one score every 9 frames: the strided network in one pass",
            "x real time",
        )
    )

    samples = _noise(90)
    whole = torch.from_numpy(samples)[None]

    def one_pass() -> None:
        with torch.inference_mode():
            network(whole)

    ours, reference = in_turn(lambda: pooled_logits(network, samples), one_pass, ROUNDS, 0)
    rows.append(
        row(
            "whole recording in segments",
            90 / ours,
            90 / reference,
            reference / ours,
            "one unsegmented pass, its memory grows with the length",
            "x real time",
        )
    )
    return rows


if __name__ == "__main__":
    for result in run():
        print(result)
