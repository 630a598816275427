"""prepare, in files per second: `python -m benchmarks.prepare`.

On the British and neotropical recordings of the shared folder (BIRDML_SHARED, else ../shared), or
on made-up ones where they are absent.
"""

import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import soundfile
import soxr

from birdml.dataset.recording import SAMPLE_RATE
from birdml.prepare import Request, prepare

ROOT = Path(__file__).parent.parent
ROUNDS = 3
FFMPEG_AT_ONCE = 2  # as in 2018


def collect(folder: Path) -> str:
    """Fills a folder with links to recordings, or with made-up ones; answers what they are."""
    data = Path(os.environ.get("BIRDML_SHARED") or ROOT.parent / "shared") / "data"
    real = [*data.glob("british_birdsong/songs/*"), *data.glob("neotropical5/*/*")]
    for path in real:
        place = folder / path.parent.name
        place.mkdir(exist_ok=True)
        (place / path.name).symlink_to(path.resolve())
    if real:
        return f"{len(real)} FLAC and MP3 files of british_birdsong and neotropical5"
    rng = np.random.default_rng(0)
    for i in range(60):
        place = folder / f"species{i % 5}"
        place.mkdir(exist_ok=True)
        samples = rng.standard_normal((int(44100 * rng.uniform(10, 30)), 2)) * 0.1
        soundfile.write(place / f"{i}.{'flac' if i % 2 else 'mp3'}", samples, 44100)
    return "60 made-up FLAC and MP3 files of 10-30 s, 44.1 kHz, stereo"


def ours(source: Path, out: Path) -> None:
    """All of prepare: reading, hashing, converting, writing, dividing."""
    prepare(Request(str(source)), out)


def pipeline_2018(source: Path, out: Path) -> None:
    """One ffmpeg process per file, two at a time."""

    def convert(path: Path) -> None:
        target = out / path.parent.name / f"{path.name}.wav"
        target.parent.mkdir(parents=True, exist_ok=True)
        command = ["ffmpeg", "-v", "quiet", "-nostdin", "-y", "-i", str(path)]
        command += ["-ac", "1", "-ar", str(SAMPLE_RATE), "-c:a", "pcm_s16le", str(target)]
        subprocess.run(command, check=False)

    with ThreadPoolExecutor(FFMPEG_AT_ONCE) as pool:
        list(pool.map(convert, source.glob("*/*")))


def bare(source: Path, out: Path) -> None:
    """Decoding whole files and resampling, on all cores, without writing anything."""

    def convert(path: Path) -> None:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = samples[:, 0] if samples.shape[1] == 1 else (samples[:, 0] + samples[:, 1]) * 0.5
        soxr.resample(mono, rate, SAMPLE_RATE)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(convert, source.glob("*/*")))


def run() -> list[dict[str, Any]]:
    programs: dict[str, Callable[[Path, Path], None]] = {"ours": ours, "bare": bare}
    if shutil.which("ffmpeg"):
        programs["2018"] = pipeline_2018
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as name:
        source = Path(name, "source")
        source.mkdir()
        files = collect(source)
        number = len(list(source.glob("*/*")))
        for trial in range(ROUNDS):
            for program, function in programs.items():
                out = Path(name, f"{program}{trial}")
                start = perf_counter()
                function(source, out)
                seconds[program].append(perf_counter() - start)
                shutil.rmtree(out, ignore_errors=True)
    speed = {program: number / statistics.median(taken) for program, taken in seconds.items()}
    rows = []
    if "2018" in speed:
        rows.append(_row("prepare / 2018 pipeline", speed, "2018", f"ffmpeg, 2 at a time; {files}"))
    else:
        print("prepare / 2018 pipeline: left out, since ffmpeg is not installed")
    what = f"soundfile + soxr alone on all cores; {files}"
    rows.append(_row("prepare / bare decoding", speed, "bare", what))
    return rows


def _row(name: str, speed: dict[str, float], reference: str, what: str) -> dict[str, Any]:
    return {
        "name": name,
        "ours": speed["ours"],
        "reference": speed[reference],
        "ratio": speed["ours"] / speed[reference],
        "unit": "files/s",
        "what_reference_is": what,
    }


if __name__ == "__main__":
    for row in run():
        print(row)
