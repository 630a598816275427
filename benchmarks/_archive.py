"""Start and restart of an archive of many tiny files, and the memory of it:
`python -m benchmarks._archive 200000`."""

import os
import resource
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import soundfile

from birdml.files import stamp_of
from birdml.prediction import files
from birdml.prediction.hearing import Heard
from birdml.prediction.journal import Entry
from birdml.prediction.listen import Asked
from birdml.prediction.sources import called
from tests.prediction.test_split import model

PER_FOLDER = 2000


def fill(source: Path, count: int) -> None:
    """So many names of one tiny file."""
    source.mkdir()
    one = source.parent / "one.wav"
    soundfile.write(one, np.zeros(100, np.int16), 22050)
    for number in range(count):
        folder = source / f"S{number // PER_FOLDER:04d}"
        if number % PER_FOLDER == 0:
            folder.mkdir()
            own = folder / "first.wav"
            own.write_bytes(one.read_bytes())
        os.link(own, folder / f"20230512_{number % PER_FOLDER:06d}.wav")


def heard_at_once(first: list[float]):
    """Stands in for the networks, whose seconds are not asked for here."""

    def run(how, out, todo, progress):
        table = b",".join(name.encode() for name in files.FORMS["csv"].header(False)) + b"\n"
        for name, path in todo:
            first.append(perf_counter()) if not first else None
            target = out / f"{name}.csv"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(table + b"x\n")
            yield Heard(Entry(name, called(path), stamp_of(path), seconds=1.0), name)

    return run


def main(count: int) -> None:
    """Prints seconds to the first file, for all of them, for a restart, and the highest memory."""
    members = [(model(), 1.0)]
    with tempfile.TemporaryDirectory() as scratch:
        source, out = Path(scratch, "birds"), Path(scratch, "out")
        fill(source, count)
        first: list[float] = []
        begin = perf_counter()
        files.predict_files(members, source, out, Asked(), run=heard_at_once(first))
        print(f"first of {count} files after {first[0] - begin:.1f} s, ", end="")
        print(f"all {perf_counter() - begin:.1f} s")
        begin = perf_counter()
        outcome = files.predict_files(members, source, out, Asked())
        print(f"restart {perf_counter() - begin:.1f} s, {len(outcome.there)} there")
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
