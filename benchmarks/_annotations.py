"""Seconds and memory to score very many annotation tables: `python -m benchmarks._annotations`.

Writes 2 200 Raven tables of 1 000 marks each and as many tables of BirdNET, in a temporary folder,
and scores them with the command in a process of its own.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

ROOT = Path(__file__).parent.parent
SPECIES = 200
SECONDS = 3600.0
RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t"
    "Species\n"
)
BIRDNET = "Start (s),End (s),Scientific name,Common name,Confidence,File\n"


def write(folder: Path, tables: int, rows: int) -> None:
    """Tables of both sides; half of the detections lie where something is marked."""
    rng = np.random.default_rng(0)
    names = [f"Genus{chr(97 + i // 26)} species{chr(97 + i % 26)}" for i in range(SPECIES)]
    for side in ("truth", "found"):
        (folder / side).mkdir()
    for number in range(tables):
        start = np.sort(rng.uniform(0, SECONDS, rows))
        end, label = start + rng.uniform(0.2, 3, rows), rng.integers(0, SPECIES, rows)
        lines = (
            f"{i}\tSpectrogram 1\t1\t{a:.3f}\t{b:.3f}\t1000.0\t4000.0\t{names[c]}\n"
            for i, (a, b, c) in enumerate(zip(start, end, label), 1)
        )
        path = folder / "truth" / f"rec{number:04}.Table.1.selections.txt"
        path.write_text(RAVEN + "".join(lines))
        begin = np.where(rng.random(rows) < 0.5, start // 3 * 3, rng.integers(0, 1200, rows) * 3)
        lines = (
            f"{a:.1f},{a + 3:.1f},{names[c]},Common {c},{score:.4f},/data/rec{number:04}.wav\n"
            for a, c, score in zip(begin, label, rng.random(rows))
        )
        path = folder / "found" / f"rec{number:04}.BirdNET.results.csv"
        path.write_text(BIRDNET + "".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=2200)
    parser.add_argument("--rows", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write(folder, asked.tables, asked.rows)
        command = [sys.executable, str(ROOT / "entry_points" / "score.py")]
        for name, place in (("detections", "found"), ("truth", "truth"), ("out", "out")):
            command += [f"--{name}", str(folder / place)]
        began = perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"{asked.tables} tables of {asked.rows} rows a side: "
            f"{perf_counter() - began:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of CPU, "
            f"{used.ru_maxrss / 1024:.0f} MiB at most"
        )


if __name__ == "__main__":
    main()
