"""Heads, networks from scratch and their ensemble with five splits: `python -m benchmarks._ears
SOURCE`.

By the commands themselves, in a folder of their own: each seed divides SOURCE anew (30 % for
validation, cuts of one recording together), trains all heads, and `audio1` and `audio10` of the
demo's size, and searches weights. Prints the MAP of each, and of the ensemble with weights that
were found on other recordings.
"""

import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SEEDS = 5
SMALL = ("--profile", "demo", "--set", "epochs=6 epoch_steps=100 patience=3")
MAP = r"birdml-(\S+) +\d+ +([\d.]+)"
CROSSFITTED = r"weights found on other recordings +([\d.]+)"


def birdml(folder: Path, *words: str) -> str:
    """What a command prints; where it fails, that is shown and nothing goes on."""
    command = [sys.executable, "-m", "birdml", *words]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if found.returncode:
        raise SystemExit(f"{' '.join(words)}\n{found.stdout[-2000:]}{found.stderr[-2000:]}")
    return found.stdout


def figures(source: str, seed: int, folder: Path) -> dict[str, float]:
    """MAP of each model on one split, and of their ensemble."""
    number = ("--seed", str(seed))
    divided = ("--source", str(Path(source).resolve()), "--valid", "0.3", *number)
    birdml(folder, "prepare", "--dataset", "data", *divided)
    birdml(folder, "train", "--dataset", "data", "--model", "head", *number)
    birdml(folder, "train", "--dataset", "data", "--model", "audio1,audio10", *SMALL, *number)
    searched = birdml(folder, "ensemble", "--dataset", "data")
    found = {name: float(value) for name, value in re.findall(MAP, birdml(folder, "models", "ls"))}
    del found["ensemble"]  # with the weights that suit these recordings best
    best = max(found, key=lambda name: found[name])
    (crossfitted,) = re.findall(CROSSFITTED, searched)
    found["best of them"] = found[best]
    found["ensemble, cross-fitted"] = float(crossfitted)
    return found


def main(source: str) -> None:
    values: dict[str, list[float]] = {}
    for seed in range(SEEDS):
        with tempfile.TemporaryDirectory() as folder:
            found = figures(source, seed, Path(folder))
        print(f"seed {seed}: {found}", file=sys.stderr, flush=True)
        for name, value in found.items():
            values.setdefault(name, []).append(value)
    for name, each in values.items():
        listed = " ".join(f"{value:.3f}" for value in each)
        print(f"{name:<24} MAP {statistics.mean(each):.3f}  ({listed})")


if __name__ == "__main__":
    main(sys.argv[1])
