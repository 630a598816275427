"""A small dataset that tests make: three species, told apart by pitch, and by place and season."""

from pathlib import Path

import numpy as np

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE, Recording, Species
from birdml.dataset.wav_files import write_wav
from birdml.dataset.writing import write_dataset

SPECIES = tuple(
    Species(f"sp{i}", f"Avis {name}", ("2014", "2015") if i < 2 else ("2015",))
    for i, name in enumerate(("prima", "secunda", "tertia"))
)
COUNTS = {"train": 24, "valid": 9, "test": 4}


def make_dataset(folder: Path, audio: bool = True, seed: int = 0) -> Dataset:
    """Writes and opens it; recordings are 0.6 to 2.5 s, one soundscape 12 s."""
    rng = np.random.default_rng(seed)
    recordings = []
    for split, count in COUNTS.items():
        for number in range(count):
            species = number % 3
            samples = int(rng.uniform(0.6, 2.5) * SAMPLE_RATE) if audio else 0
            file = f"{split}/LIFECLEF2015_BIRDAMAZON_XC_WAV_RN{100 * len(split) + number}.wav"
            if audio:
                write(folder / "audio" / file, tone(species, samples, rng))
            known = split != "test"
            recordings.append(
                Recording(
                    file=file,
                    split=split,
                    species=f"sp{species}" if known else "",
                    background=(f"sp{(species + 1) % 3}",) if known and number % 4 == 0 else (),
                    media_id=str(100 * len(split) + number),
                    edition="2015",
                    date=f"2015-0{3 * species + 1}-1{number % 9}",
                    time=f"0{5 + species}:3{number % 6}" if number % 5 else "",
                    latitude=-5.0 * species + rng.normal(),
                    longitude=-60.0 + rng.normal(),
                    elevation=200.0 * species if number % 7 else None,
                    samples=samples,
                )
            )
    if audio:
        file = "soundscapes/val/LIFECLEF2018_SCAPES_WAV_RN9.wav"
        samples = np.concatenate([tone(i % 3, 4 * SAMPLE_RATE, rng) for i in range(3)])
        write(folder / "audio" / file, samples)
        recordings.append(
            Recording(file=file, split="soundscapes_val", media_id="9", samples=len(samples))
        )
    return write_dataset(folder, folder.name, SPECIES, recordings)


def tone(species: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    """A pure tone, an octave and more apart between species, in a little noise; int16 [S]."""
    time = np.arange(samples) / SAMPLE_RATE
    wave = 6000 * np.sin(2 * np.pi * 900 * 2.3**species * time) + 300 * rng.normal(size=samples)
    return wave.astype(np.int16)


def write(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, samples)
