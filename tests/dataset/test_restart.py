"""Killed at any moment, prepare goes on and ends in the same bytes."""

import multiprocessing
import random
import shutil
import signal
import time

import pytest

from birdml.dataset.opening import open_dataset
from birdml.dataset.writing import verify
from birdml.errors import UserError
from birdml.prepare import Request, prepare
from tests.dataset.made_up import audio_file, content, species_folders

TRIALS, KILLS = 5, 2  # ten kills; a fresh folder after every second one, so that all fall into work


def start(raw, folder):
    """A process of its own that prepares, forked so that no import time is killed instead."""
    process = multiprocessing.get_context("fork").Process(
        target=prepare, args=(Request(str(raw)), folder, 2)
    )
    process.start()
    return process


@pytest.fixture
def raw(tmp_path):
    folder = species_folders(tmp_path / "raw", species=2, each=12)
    for i in range(6):
        audio_file(folder / "Genus_speciesa" / f"long{i}.flac", 900 + i, 20, rate=44100, channels=2)
    copy = (folder / "Genus_speciesa" / "long3.flac").read_bytes()
    (folder / "Genus_speciesb" / "copy.flac").write_bytes(copy)
    (folder / "Genus_speciesb" / "broken.wav").write_bytes(b"nothing")
    return folder


def test_killed_at_ten_random_moments_it_ends_byte_identical(tmp_path, raw):
    begin = time.monotonic()
    process = start(raw, tmp_path / "reference" / "dataset")
    process.join()
    whole = time.monotonic() - begin
    assert process.exitcode == 0
    reference = content(tmp_path / "reference" / "dataset")

    draw = random.Random(1)
    killed = 0
    for trial in range(TRIALS):
        folder = tmp_path / str(trial) / "dataset"
        for _ in range(KILLS):
            process = start(raw, folder)
            time.sleep(draw.uniform(0.02, 0.7) * whole)
            process.kill()
            process.join()
            killed += process.exitcode == -signal.SIGKILL
        process = start(raw, folder)
        process.join()
        assert process.exitcode == 0
        assert content(folder) == reference
        assert verify(open_dataset(folder)) == []
        shutil.rmtree(folder)
    assert killed >= KILLS


def test_one_process_at_a_time(tmp_path, raw):
    dataset = prepare(Request(str(raw)), tmp_path / "done")
    process = start(raw, tmp_path / "dataset")
    try:
        deadline = time.monotonic() + 100
        while not (tmp_path / "dataset" / ".preparing" / "journal.jsonl").exists():
            assert time.monotonic() < deadline
            time.sleep(0.001)
        with pytest.raises(UserError, match="another process"):
            prepare(Request(str(raw)), tmp_path / "dataset")
    finally:
        process.join()
    assert open_dataset(tmp_path / "dataset").digest == dataset.digest
