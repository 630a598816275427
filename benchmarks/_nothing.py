"""What a model reports where nothing sings: `python -m benchmarks._nothing MODEL`.

MODEL is a registered model or a folder. 200 windows of 5 s of silence, white and pink noise, mains
hum, clicks and a speech-like voice are predicted with `precision=0.9`, and as shares of the softmax
from 0.5 on; the shares of windows in which something is reported are printed.
"""

import contextlib
import csv
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from birdml.dataset.recording import SAMPLE_RATE
from birdml.dataset.wav_files import write_wav
from birdml.steps.predict_files import FileOptions, predict_recordings

WINDOWS, SECONDS = 200, 5
LENGTH = SECONDS * SAMPLE_RATE
TIME = np.arange(LENGTH) / SAMPLE_RATE


def pink(rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal(LENGTH))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    sound = np.fft.irfft(spectrum, LENGTH)
    return sound / sound.std()


def hum(rng: np.random.Generator) -> np.ndarray:
    phases = rng.uniform(0, 2 * np.pi, 8)
    waves = [np.sin(2 * np.pi * 50 * k * TIME + p) / k for k, p in enumerate(phases, 1)]
    return sum(waves) + 0.02 * rng.standard_normal(LENGTH)


def clicks(rng: np.random.Generator) -> np.ndarray:
    sound = 0.02 * rng.standard_normal(LENGTH)
    for start in rng.integers(0, LENGTH - 200, rng.integers(5, 40)):
        sound[start : start + 200] += rng.standard_normal(200) * np.exp(-np.arange(200) / 20) * 5
    return sound


def voice(rng: np.random.Generator) -> np.ndarray:
    """Syllables of a voice: harmonics of 90 to 220 Hz under two formants."""
    pitch = rng.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.3, 1) * TIME))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    formants = [(rng.uniform(300, 800), 80.0), (rng.uniform(900, 2300), 120.0)]
    sound = np.zeros(LENGTH)
    for k in range(1, 30):
        height = sum(np.exp(-(((k * pitch - f) / w) ** 2) / 2) for f, w in formants) + 0.02
        sound += height * np.sin(k * phase)
    rate = rng.uniform(3, 5)
    return sound * (np.sin(2 * np.pi * rate * TIME) > -0.3) + 0.01 * rng.standard_normal(LENGTH)


KINDS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "silence": lambda rng: np.zeros(LENGTH),
    "white noise": lambda rng: rng.standard_normal(LENGTH),
    "pink noise": pink,
    "50 Hz hum": hum,
    "clicks": clicks,
    "voice": voice,
}


def make(folder: Path) -> dict[str, str]:
    """Writes the windows at levels from faint to loud; name of the file -> kind."""
    kinds = {}
    for number in range(WINDOWS):
        rng = np.random.default_rng([1, number])
        kind = list(KINDS)[number % len(KINDS)]
        sound = KINDS[kind](rng)
        level = 10 ** rng.uniform(1.5, 4.0) / max(float(np.abs(sound).max()), 1e-9)
        write_wav(folder / f"{number:03d}.wav", (sound * level).astype(np.int16))
        kinds[f"{number:03d}.wav"] = kind
    return kinds


def reported(model: str, folder: Path, out: Path, **rule: str) -> set[str]:
    """The windows in which something is reported."""
    options = FileOptions(model, str(folder), windows="5s", out=str(out), **rule)
    with contextlib.redirect_stdout(io.StringIO()):
        predict_recordings(options)
    with open(out / "predictions.csv", newline="", encoding="utf-8-sig") as file:
        return {row["file"] for row in csv.DictReader(file)}


def main(model: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "nothing"
        folder.mkdir()
        kinds = make(folder)
        rules = {
            "precision=0.9": {"precision": "0.9"},
            "softmax from 0.5": {"scores": "softmax", "min_score": "0.5"},
        }
        for name, rule in rules.items():
            heard = reported(model, folder, Path(scratch) / name, **rule)
            each = {
                kind: sum(kinds[file] == kind for file in heard) / list(kinds.values()).count(kind)
                for kind in KINDS
            }
            told = ", ".join(f"{kind} {share:.0%}" for kind, share in each.items())
            print(f"{model}, {name}: {len(heard) / WINDOWS:.1%} of {WINDOWS} windows ({told})")


if __name__ == "__main__":
    main(sys.argv[1])
