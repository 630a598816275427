"""`predict` on a folder of recordings against the network alone on the same cores."""

import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import soundfile
import torch

from benchmarks._measure import in_turn, row
from birdml.dataset.recording import Species
from birdml.networks.build import build_network
from birdml.prediction.files import predict_files
from birdml.prediction.listen import Asked
from birdml.prediction.side_by_side import SideBySide, one_by_one
from birdml.prediction.windows import window_logits
from birdml.zoo.load import load_zoo
from birdml.zoo.saved import SavedModel

CLASSES, FILES, SECONDS = 1500, 40, 60
BARE = 15  # files that go through the network alone


def run() -> list[dict]:
    """Times real time of files of a minute, 22 050 Hz WAV, in windows of 5 s; random weights."""
    torch.manual_seed(0)
    recipe = load_zoo()["audio1"]
    network = build_network(recipe, CLASSES).eval()
    species = tuple(Species(f"s{n}", f"Avis {n}") for n in range(CLASSES))
    members = [(SavedModel(recipe, network, species, "none", "none", "none"), 1.0)]
    rng = np.random.default_rng(0)
    samples = (3000 * rng.standard_normal(22050 * SECONDS)).astype(np.int16)
    rates = {}
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "birds")
        source.mkdir()
        for number in range(FILES):
            soundfile.write(source / f"{number:03d}.wav", samples, 22050)
        cores = torch.get_num_threads()
        for jobs in (1, 2):
            begin = perf_counter()
            runner = SideBySide(jobs) if jobs > 1 else one_by_one
            predict_files(members, source, Path(scratch, f"{jobs}"), Asked("5s"), run=runner)
            rates[jobs] = FILES * SECONDS / (perf_counter() - begin)
            bare, _ = in_turn(lambda: window_logits(network, samples), lambda: None, BARE)
            rates[-jobs] = SECONDS / bare
    what = f"the network alone on the same samples, {cores} threads"
    return [
        row("predict, 40 files of a minute, one job", rates[1], rates[-1], rates[1] / rates[-1],
            what, "x real time"),
        row("predict, two jobs", rates[2], rates[1], rates[2] / rates[1], "one job", "x real time"),
    ]  # fmt: skip


if __name__ == "__main__":
    for result in run():
        print(result)
