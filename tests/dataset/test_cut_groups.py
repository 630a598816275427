"""Cuts of one recording: never parted between train and valid, and told where somebody did so."""

import csv

import numpy as np
import pytest
import soundfile

from birdml.dataset.cut_groups import groups_of
from birdml.prepare import Request, prepare

RATE = 22050


@pytest.fixture
def source(tmp_path):
    """Two species; of the first, five files that overlap, cut out of one recording, and others."""
    for species in range(2):
        folder = tmp_path / "source" / f"Avis species{'ab'[species]}"
        folder.mkdir(parents=True)
        for number in range(5):
            soundfile.write(folder / f"own{number}.wav", song(10 * species + number), RATE)
    long = song(99, seconds=10)
    for number in range(5):
        cut = long[number * RATE :][: 5 * RATE]
        path = tmp_path / "source" / "Avis speciesa" / f"cut{number}.wav"
        soundfile.write(path, cut * (1 + 0.1 * number), RATE)
    return tmp_path / "source"


def song(seed, seconds=4):
    """Chirps at random times and pitches in noise."""
    rng = np.random.default_rng(seed)
    samples = 0.01 * rng.normal(size=int(seconds * RATE))
    time = np.arange(RATE // 5) / RATE
    for start in np.sort(rng.uniform(0, seconds - 0.3, int(12 * seconds))):
        pitch, slope = rng.uniform(1000, 6000), rng.uniform(-9000, 9000)
        chirp = 0.1 * np.sin(2 * np.pi * (pitch * time + slope * time**2)) * np.hanning(len(time))
        samples[int(start * RATE) :][: len(time)] += chirp[: len(samples) - int(start * RATE)]
    return samples


@pytest.mark.parametrize("seed", range(3))
def test_cuts_of_one_recording_are_in_one_split(source, tmp_path, seed):
    dataset = prepare(Request(str(source), valid="0.3", seed=seed), tmp_path / f"d{seed}", 2)
    splits = {r.file: r.split for r in dataset.recordings}
    assert len({split for file, split in splits.items() if "cut" in file}) == 1
    assert set(splits.values()) == {"train", "valid"}
    assert dataset.made["cuts"] >= 4
    again = prepare(Request(str(source), valid="0.3", seed=seed), tmp_path / f"e{seed}", 1)
    assert again.digest == dataset.digest


def test_where_a_list_parts_them_it_is_told(source, tmp_path):
    listed = tmp_path / "valid.txt"
    listed.write_text("Avis speciesa/cut0.wav\nAvis speciesb/own1.wav\n")
    dataset = prepare(Request(str(source), valid=str(listed)), tmp_path / "d", 1)
    with open(dataset.folder / "problems.csv", newline="", encoding="utf-8") as file:
        told = [row["done"] for row in csv.DictReader(file) if "some of its sound" in row["done"]]
    assert told and any("cut0" in line for line in told)


def test_recordings_of_which_more_is_known_are_not_looked_at(source, tmp_path, monkeypatch):
    from birdml.dataset import cut_groups

    looked = []
    monkeypatch.setattr(cut_groups, "find_overlaps", lambda count, *_: looked.append(count) or [])
    table = source.parent / "table.csv"
    rows = [
        f"{path.relative_to(source)},{path.parent.name},Person,{number}"
        for number, path in enumerate(sorted(source.rglob("*.wav")))
    ]
    table.write_text("filename,primary_label,author,latitude\n" + "\n".join(rows) + "\n")
    text = table.read_text().replace("latitude", "date")
    table.write_text("\n".join(f"{line.rpartition(',')[0]},2020-01-01" if i else line
                               for i, line in enumerate(text.splitlines())) + "\n")  # fmt: skip
    dataset = prepare(Request(str(table), audio=str(source)), tmp_path / "d", 1)
    assert looked == [0] and "cuts" not in dataset.made


def test_groups_are_linked_over_several_steps():
    found = groups_of([("a", "b"), ("c", "d"), ("b", "c"), ("x", "y")])
    assert found["a"] == found["d"] != found["x"] == found["y"]
