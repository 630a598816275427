"""Place models: training, and prediction from the recordings that are kept.

`python -m benchmarks.place`. On made-up recordings: as many, of as many species, as the xeno-canto
table of a continent has.
"""

import tempfile
from pathlib import Path
from time import process_time

import numpy as np
import torch

from benchmarks._measure import in_turn, row
from birdml.dataset.opening import open_dataset
from birdml.dataset.recording import Recording, Species
from birdml.dataset.writing import write_dataset
from birdml.networks.kernel import FLOOR, KernelNetwork
from birdml.training.trainer import train
from birdml.zoo.load import load_zoo
from birdml.zoo.recipe import changed

RECORDINGS, SPECIES = 24_000, 257
VALID = 2_400
MANY = 1_000_000  # recordings kept
ASKED = 64
EPOCHS = 4  # of the 20 of the recipe


class Silent:
    """Nobody to report to, and nothing to go on from."""

    def resume(self):
        return None

    def epoch(self, metrics, state):
        pass


def made_up(folder: Path):
    """A dataset without audio: each species lives around a place and a height."""
    rng = np.random.default_rng(0)
    homes = np.stack([rng.uniform(-35, 10, SPECIES), rng.uniform(-80, -40, SPECIES)], axis=1)
    species = [Species(f"c{i}", f"Avis c{i}") for i in range(SPECIES)]
    recordings = []
    for number in range(RECORDINGS + VALID):
        label = int(rng.integers(SPECIES))
        year, month, day = 2010 + rng.integers(10), 1 + rng.integers(12), 1 + rng.integers(28)
        latitude, longitude = homes[label] + rng.normal(0, 3, 2)
        recordings.append(
            Recording(
                file=f"{number}.wav",
                split="train" if number < RECORDINGS else "valid",
                species=f"c{label}",
                date=f"{year}-{month:02d}-{day:02d}",
                time=f"{rng.integers(24):02d}:{rng.integers(60):02d}",
                latitude=float(latitude),
                longitude=float(longitude),
                elevation=float(rng.uniform(0, 3000)),
                recordist=f"person {rng.integers(300)}",
            )
        )
    write_dataset(folder, "made-up", species, recordings, [], [], {})
    return open_dataset(folder)


def training(dataset) -> dict:
    """CPU seconds of 20 epochs, by those of a few."""
    seconds = {}
    for name, settings in (
        ("place1", {"epochs": EPOCHS}),
        ("meta1", {"epochs": EPOCHS, "epoch_steps": RECORDINGS // 16}),
    ):
        recipe = changed(load_zoo()[name], settings)
        start = process_time()
        train(recipe, dataset, 0, Silent())
        seconds[name] = (process_time() - start) * 20 / EPOCHS
    return row(
        f"place1: 20 passes over {RECORDINGS} recordings",
        seconds["place1"],
        seconds["meta1"],
        seconds["meta1"] / seconds["place1"],
        "meta1, as many passes in its batches of 16",
        "CPU s",
    )


def kept(count: int) -> tuple[KernelNetwork, torch.Tensor]:
    """A kernel model that keeps so many recordings, and what it is asked."""
    generator = torch.Generator().manual_seed(1)

    def table(rows: int) -> torch.Tensor:
        low = torch.tensor([1.0, 0.0, -35.0, -80.0, 0.0])
        high = torch.tensor([366.0, 1440.0, 10.0, -40.0, 3000.0])
        return low + (high - low) * torch.rand(rows, 5, generator=generator)

    network = KernelNetwork(SPECIES)
    labels = torch.randint(SPECIES, (count,), generator=generator)
    network.memory, network.known = table(count), torch.ones(count, 5, dtype=torch.bool)
    network.weights, network.pair_shares = torch.ones(count), torch.ones(count)
    network.pair_rows, network.pair_labels = torch.arange(count), labels
    return network.eval(), table(ASKED)


@torch.inference_mode()
def one_by_one(network: KernelNetwork, asked: torch.Tensor) -> torch.Tensor:
    """The formula as it is written, for one recording after the other, all of them kept at once."""

    def waves(table):
        day, minute, north, east = (table[:, i] for i in range(4))
        north, east = torch.deg2rad(north), torch.deg2rad(east)
        points = torch.stack([north.cos() * east.cos(), north.cos() * east.sin(), north.sin()], 1)
        return (
            2 * np.pi * day / 365,
            2 * np.pi * minute / 1440,
            points,
            torch.log1p(table[:, 4] / 50),
        )

    year, clock, points, height = waves(network.memory)
    rows = []
    for one in asked:
        y, c, p, h = waves(one[None])
        distances = [
            (points - p).square().sum(1).sqrt(),
            1 - (year - y).cos(),
            1 - (clock - c).cos(),
            (height - h).square() / 2,
        ]
        near = torch.zeros(len(points))
        for q in range(len(network.height)):
            factors = network.log_factors[:, q].exp()
            near += (network.height[q] - sum(f * d for f, d in zip(factors, distances))).exp()
        mass = torch.zeros(SPECIES).index_add(0, network.pair_labels, near * network.weights)
        prior = network.log_prior.exp()
        rows.append(((mass + prior * network.prior) / (mass.sum() + prior) + FLOOR).log())
    return torch.stack(rows)


def peak() -> float:
    """The most memory that this process has held, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@torch.inference_mode()
def prediction() -> list[dict]:
    network, asked = kept(RECORDINGS)
    torch.testing.assert_close(network(asked), one_by_one(network, asked), rtol=1e-3, atol=1e-3)
    together, alone = in_turn(lambda: network(asked), lambda: one_by_one(network, asked), 5)
    rows = [
        row(
            f"place2: a recording, {RECORDINGS} kept",
            1000 * together / ASKED,
            1000 * alone / ASKED,
            alone / together,
            "its formula, one recording at a time",
            "ms",
        )
    ]
    network, asked = kept(MANY)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of what follows
    before = peak()
    network(asked)
    grown = peak() - before
    dense = ASKED * MANY * 4 / 2**20
    rows.append(
        row(
            f"place2: memory of {ASKED} recordings, {MANY} kept",
            grown,
            dense,
            dense / max(grown, 1.0),
            "one kernel of all pairs",
            "MB",
        )
    )
    return rows


def run() -> list[dict]:
    torch.set_num_threads(1)
    rows = prediction()
    with tempfile.TemporaryDirectory() as folder:
        rows.append(training(made_up(Path(folder) / "made-up")))
    return rows


if __name__ == "__main__":
    for one in run():
        print(one)
