"""Writing and checking a submission of the challenge's size, beside plain numpy and csv."""

import csv
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from birdml.scoring import score
from birdml.submission.checker import check
from birdml.submission.files import write_monophone, written_whole

RECORDINGS, CLASSES, LINES = 12347, 1500, 100  # of BirdCLEF 2018
SCORED = 3003  # validation recordings of 2018


def _plain_write(path: Path, media_ids: list[str], logits: np.ndarray, classes: list[str]) -> None:
    """The shortest way to write it: softmax and a full sort per recording, the csv module."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        for media, row in zip(media_ids, logits):
            values = np.exp(row - row.max())
            values /= values.sum()
            for rank, label in enumerate(np.argsort(-values)[:LINES], start=1):
                writer.writerow([media, classes[label], f"{values[label]:.10f}", rank])


def _plain_read(path: Path) -> int:
    """The least that a checker does: split and convert every line."""
    count = 0
    with open(path) as file:
        for line in file:
            _, _, value, rank = line.split(";")
            count += float(value) <= 1 and int(rank) > 0
    return count


def _sorting_score(logits: np.ndarray, foreground: np.ndarray, present: np.ndarray) -> float:
    """MAP and MAP-bg from fully sorted scores."""
    order = np.argsort(-logits, axis=1, kind="stable")
    ranks = 1 + np.argmax(order == foreground[:, None], axis=1)
    sorted_present = np.take_along_axis(present, order, axis=1)
    hits = np.cumsum(sorted_present, axis=1)
    precision = np.where(sorted_present, hits / np.arange(1, logits.shape[1] + 1), 0)
    return float((1 / ranks).mean() + (precision.sum(axis=1) / hits[:, -1]).mean())


def _seconds(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def run() -> list[dict]:
    """Rows of: name, ours, reference, ratio, unit, what_reference_is."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (RECORDINGS, CLASSES)).astype(np.float32)
    media_ids = [str(1000 + i) for i in range(RECORDINGS)]
    classes = [f"c{i:05d}" for i in range(CLASSES)]
    items = [(media, 0) for media in media_ids]

    def write(path: Path) -> None:
        with written_whole(path) as file:
            write_monophone(file, media_ids, logits, classes)

    def check_all(path: Path) -> None:
        if check(path, "mono", items, classes, LINES):
            raise RuntimeError("the file that was written has faults")

    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = Path(folder, "ours.csv"), Path(folder, "plain.csv")
        for _ in range(2):
            for name, function, arguments in (
                ("write", write, (ours,)),
                ("plain_write", _plain_write, (plain, media_ids, logits, classes)),
                ("check", check_all, (ours,)),
                ("plain_read", _plain_read, (ours,)),
            ):
                times.setdefault(name, []).append(_seconds(function, *arguments))
    scores = logits[:SCORED]
    foreground = rng.integers(CLASSES, size=SCORED)
    present = rng.random((SCORED, CLASSES)) < 0.001
    present[np.arange(SCORED), foreground] = True
    for _ in range(5):
        times.setdefault("score", []).append(_seconds(score, scores, foreground, present))
        times.setdefault("sorting", []).append(
            _seconds(_sorting_score, scores, foreground, present)
        )
    median = {name: statistics.median(values) for name, values in times.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6

    def row(name: str, ours: float, reference: float, unit: str, what: str) -> dict:
        return {
            "name": name,
            "ours": ours,
            "reference": reference,
            "ratio": reference / ours,
            "unit": unit,
            "what_reference_is": what,
        }

    size = f"{RECORDINGS} x {LINES} lines"
    return [
        row(
            f"write a submission of {size}",
            median["write"],
            median["plain_write"],
            "s",
            "numpy sort per recording and the csv module, nothing checked",
        ),
        row(
            f"check a submission of {size}",
            median["check"],
            median["plain_read"],
            "s",
            "splitting and converting the lines, nothing checked",
        ),
        row(
            f"write and check a submission of {size}",
            median["write"] + median["check"],
            20.0,
            "s",
            "the limit that was set",
        ),
        row("peak memory of all of this", peak, 1.0, "GB", "the limit that was set"),
        row(
            f"MAP and MAP-bg of {SCORED} x {CLASSES} scores",
            median["score"],
            median["sorting"],
            "s",
            "sorting all scores",
        ),
    ]


if __name__ == "__main__":
    for result in run():
        print(
            f"{result['name']}: {result['ours']:.3f} {result['unit']}, {result['ratio']:.2f} x "
            f"({result['what_reference_is']}: {result['reference']:.3f})"
        )
