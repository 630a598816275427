"""Raw recordings for trying everything: invented birds, in the layout of BirdCLEF 2018.

`generate` writes what the five archives hold after extraction, with the faults that real ones
have, so that the demo takes the same way as real data. Beside them, `truth/` holds what sings in
the test recordings and soundscapes, in the organisers' formats; `annotations/` a Raven selection
table of each soundscape; and `noise/` recordings in which nothing sings.
"""

import math
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from birdml.dataset.sources.demo.plan import (
    MEDIA_IDS,
    SOUNDSCAPE_FOLDERS,
    STEREO_SHARE,
    TEST_FOLDER,
    Planned,
    plan_soundscape,
    plan_test,
    plan_training,
)
from birdml.dataset.sources.demo.sounds import (
    BACKGROUND_BELOW,
    RATE,
    SONG_LEVEL,
    amplitude,
    individual,
    noise,
    nothing,
    singing,
)
from birdml.dataset.sources.demo.species import SPECIES
from birdml.dataset.sources.demo.xml import xml
from birdml.errors import UserError

EMPTY_SECONDS = (4.0, 12.0)  # of recordings of nothing
RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t"
    "Species\n"
)


def generate(
    folder: str | Path,
    seed: int = 0,
    per_species: int = 25,
    tests: int = 80,
    soundscapes: int = 2,
    workers: int = 2,
    empty: int = 24,
) -> Path:
    """Writes the raw demo recordings to a new folder and returns it.

    About `per_species` training recordings for each of 12 species, `tests` monophone test
    recordings, `soundscapes` soundscapes each for validation and test, `empty` recordings of
    nothing. The same seed and counts give the same files, whatever the number of `workers`
    (threads).

    Raises UserError where the folder exists already.
    """
    folder = Path(folder)
    if folder.exists():
        raise UserError(f"'{folder}' exists already; name a new folder for the demo recordings")
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    rng = np.random.default_rng([seed, 0])
    media_ids = iter((rng.permutation(MEDIA_IDS[1] - MEDIA_IDS[0]) + MEDIA_IDS[0]).tolist())
    training = plan_training(per_species, media_ids, rng)
    testing = plan_test(tests, media_ids, rng)
    scapes = {
        split: [plan_soundscape(split, next(media_ids), rng) for _ in range(soundscapes)]
        for split in SOUNDSCAPE_FOLDERS
    }
    everything = [*training, *testing, *scapes["val"], *scapes["test"]]
    for planned in everything:
        for kind in ("wav", "xml"):
            (partial / planned.folder / kind).mkdir(parents=True, exist_ok=True)

    def write(planned: Planned) -> list[tuple[int, str, float, float]]:
        return _write(partial, planned, np.random.default_rng([seed, 1, planned.media_id]))

    pool = ThreadPoolExecutor(workers)
    try:
        jobs = pool.map(write, everything)
        annotations = list(tqdm(jobs, "demo recordings", len(everything), disable=None))
    finally:
        pool.shutdown(cancel_futures=True)  # an interruption does not wait for the rest
    _spoil(partial, training, testing)
    truth = partial / "truth"
    truth.mkdir()
    (truth / "mono_truth.csv").write_text("".join(map(_mono_truth, testing)))
    for split, planned_scapes in scapes.items():
        ids = {planned.media_id for planned in planned_scapes}
        rows = [row for rows in annotations for row in rows if row[0] in ids]
        lines = [f"{m};{c};{_clock(begin)}-{_clock(math.ceil(end))}\n" for m, c, begin, end in rows]
        (truth / f"soundscape_{split}_truth.csv").write_text("".join(lines))
    marks = partial / "annotations"
    marks.mkdir()
    for planned in (*scapes["val"], *scapes["test"]):
        rows = sorted(row[1:] for rows in annotations for row in rows if row[0] == planned.media_id)
        (marks / f"{planned.stem}.Table.1.selections.txt").write_text(_raven(rows))
    (partial / "noise").mkdir()
    for number in range(empty):
        _write_nothing(partial / "noise" / f"empty{number:03d}.wav", [seed, 2, number])
    partial.rename(folder)
    return folder


def _write(
    root: Path, planned: Planned, rng: np.random.Generator
) -> list[tuple[int, str, float, float]]:
    """Writes sound and XML; returns (media id, class id, begin, end) of what sings."""
    samples = int(planned.seconds * RATE)
    signal = noise(samples, rng)
    level = rng.uniform(*SONG_LEVEL)
    annotations = []
    if planned.foreground:
        song, _ = singing(individual(planned.foreground.song, rng), samples, rng)
        signal += song * np.float32(amplitude(level))
    for species in planned.background:
        if planned.foreground:
            below = rng.uniform(*BACKGROUND_BELOW)
            first = None
        else:  # of the species of a soundscape, each is at its own distance
            level = rng.uniform(*SONG_LEVEL)
            below = 0.0
            first = float(rng.uniform(0, 0.5 * planned.seconds))
        stays = int(samples * (1 if planned.foreground else rng.uniform(0.6, 1.0)))
        song, times = singing(individual(species.song, rng), stays, rng, first)
        signal[:stays] += song * np.float32(amplitude(level - below))
        annotations += [(planned.media_id, species.class_id, *when) for when in times]
    if rng.random() < STEREO_SHARE:
        hiss = rng.standard_normal((samples, 2), dtype=np.float32) * np.float32(amplitude(-60))
        signal = signal[:, None] * np.array([1, rng.uniform(0.4, 1)], np.float32) + hiss
    pcm = np.clip(np.round(signal * 32767), -32768, 32767).astype(np.int16)
    place = root / planned.folder
    soundfile.write(place / "wav" / f"{planned.stem}.wav", pcm, RATE, subtype="PCM_16")
    (place / "xml" / f"{planned.stem}.xml").write_text(xml(planned, rng), "utf-8")
    return [] if planned.foreground else annotations


def _spoil(root: Path, training: Sequence[Planned], testing: Sequence[Planned]) -> None:
    """The faults of real archives: litter of macOS, a file that is no audio, an empty test file.

    One XML also has the class id of one species and the name of another.
    """
    first, second = training[0], training[1]
    litter = root / first.folder / "xml" / f"._{first.stem}.xml"
    litter.write_bytes(b"\0\5\x16\7Mac OS X")
    (root / first.folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (root / first.folder / "wav" / f"{first.stem}.wav").write_text("404 not found\n")
    mixed_up = root / second.folder / "xml" / f"{second.stem}.xml"
    other = SPECIES[1].latin_name.split()[1]
    right = f"<Species>{SPECIES[0].latin_name.split()[1]}</Species>"
    text = mixed_up.read_text("utf-8").replace(right, f"<Species>{other}</Species>")
    mixed_up.write_text(text, "utf-8")
    if testing:
        empty = root / TEST_FOLDER / "wav" / f"{testing[0].stem}.wav"
        soundfile.write(empty, np.zeros(0, np.int16), RATE, subtype="PCM_16")


def _write_nothing(path: Path, seed: list[int]) -> None:
    rng = np.random.default_rng(seed)
    signal = nothing(int(rng.uniform(*EMPTY_SECONDS) * RATE), rng)
    pcm = np.clip(np.round(signal * 32767), -32768, 32767).astype(np.int16)
    soundfile.write(path, pcm, RATE, subtype="PCM_16")


def _raven(rows: Sequence[tuple[str, float, float]]) -> str:
    """A selection table of (class id, begin, end), by their times."""
    lines = [RAVEN]
    for number, (class_id, begin, end) in enumerate(sorted(rows, key=lambda r: r[1:]), start=1):
        (species,) = (s for s in SPECIES if s.class_id == class_id)
        song = species.song
        tones = [t * f for t in song.tones for f in (song.start, song.end)]
        band = f"{0.8 * min(tones):.1f}\t{1.25 * max(tones):.1f}"
        times = f"{begin:.4f}\t{end:.4f}"
        lines.append(f"{number}\tSpectrogram 1\t1\t{times}\t{band}\t{species.latin_name}\n")
    return "".join(lines)


def _mono_truth(planned: Planned) -> str:
    background = planned.background if planned.names_background else []
    classes = ",".join(species.class_id for species in background)
    assert planned.foreground is not None
    return f"{planned.media_id};{planned.foreground.class_id};{classes}\n"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
