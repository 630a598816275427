import hashlib
from collections import Counter

import numpy as np
import pytest
import soundfile

from birdml.annotations.reading import read_marks
from birdml.dataset.sources.birdclef2018 import read, recognise
from birdml.dataset.sources.demo import generate
from birdml.dataset.sources.demo.plan import TEST_FOLDER
from birdml.dataset.sources.demo.sounds import individual, note, singing
from birdml.dataset.sources.demo.species import SPECIES, likelihood, moment_of
from birdml.errors import UserError
from birdml.prepare import Request, prepare

SIZES = {"per_species": 2, "tests": 5, "soundscapes": 1, "empty": 5}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("demo") / "raw", seed=3, workers=2, **SIZES)


@pytest.fixture(scope="module")
def source(raw):
    return read(raw)


def content(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_files_with_any_number_of_workers(raw, tmp_path):
    again = generate(tmp_path / "again", seed=3, workers=1, **SIZES)
    assert content(again) == content(raw)


def test_another_seed_gives_other_recordings(raw, tmp_path):
    other = generate(tmp_path / "other", seed=4, per_species=1, tests=1, soundscapes=1, empty=2)
    assert not set(content(other).values()) & set(content(raw).values()) - litter(raw)


def litter(folder):
    files = content(folder)
    spoiled = [p for p in files if "/._" in p or p.endswith(".DS_Store")]
    sounds = [p for p in files if p.endswith(".wav") and (folder / p).stat().st_size < 100]
    return {files[p] for p in spoiled + sounds}


def test_the_layout_is_recognised(raw):
    assert recognise(raw)
    assert any(path.name.startswith("._L") for path in raw.rglob("*"))


def test_every_split_is_there_and_every_species_is_in_training(source):
    splits = Counter(recording.split for recording in source.recordings)
    assert splits["test"] == 5
    assert splits["soundscapes_val"] == splits["soundscapes_test"] == 1
    training = [r for r in source.recordings if r.split in ("", "train")]
    assert {r.class_id for r in training} == {species.class_id for species in SPECIES}
    assert all(r.audio for r in source.recordings)


def test_editions_have_label_sets_of_their_own(source):
    seen = {}
    for recording in source.recordings:
        if recording.class_id:
            seen.setdefault(recording.edition, set()).add(recording.class_id)
            assert recording.edition != "2017" or not recording.background
    declared = {e: {s.class_id for s in SPECIES if e in s.editions} for e in (2014, 2015, 2017)}
    assert declared[2014] < declared[2015]
    assert declared[2017] - declared[2015] and declared[2015] - declared[2017]
    for edition, classes in seen.items():
        assert classes <= declared[int(edition)]


def test_test_recordings_do_not_say_their_species(raw, source):
    hidden = [r for r in source.recordings if r.split not in ("", "train")]
    assert all(not r.class_id and not r.latin and not r.background for r in hidden)
    for line in (raw / "truth" / "mono_truth.csv").read_text().splitlines():
        media_id, foreground, background = line.split(";")
        assert list((raw / TEST_FOLDER / "wav").glob(f"L*_RN{media_id}.wav"))
        assert foreground not in background.split(",")
        assert {foreground, *filter(None, background.split(","))} <= {s.class_id for s in SPECIES}


def test_soundscape_truth_lies_within_the_soundscapes(raw, source):
    for split in ("val", "test"):
        lines = (raw / "truth" / f"soundscape_{split}_truth.csv").read_text().splitlines()
        assert len({line.split(";")[1] for line in lines}) >= 2  # species
        for line in lines:
            media_id, _, times = line.split(";")
            (audio,) = (r.audio for r in source.recordings if r.media_id == media_id)
            begin, end = (
                sum(60**power * int(part) for power, part in zip((2, 1, 0), time.split(":")))
                for time in times.split("-")
            )
            assert 0 <= begin < end <= soundfile.info(audio).duration + 1


def test_soundscapes_have_selection_tables_that_say_what_their_truth_says(raw, source):
    for split in ("val", "test"):
        truth = {}
        for line in (raw / "truth" / f"soundscape_{split}_truth.csv").read_text().splitlines():
            media_id, class_id, _ = line.split(";")
            truth.setdefault(media_id, Counter())[class_id] += 1
        for media_id, expected in truth.items():
            (table,) = (raw / "annotations").glob(f"*_RN{media_id}.Table.1.selections.txt")
            marks = read_marks(table).marks
            latin = {s.latin_name: s.class_id for s in SPECIES}
            assert Counter(latin[m.species] for m in marks) == expected
            (audio,) = (r.audio for r in source.recordings if r.media_id == media_id)
            seconds = soundfile.info(audio).duration
            assert all(0 <= m.start < m.end <= seconds + 1e-3 for m in marks)
            assert all(0 < m.low < m.high for m in marks)


def test_recordings_of_nothing_are_heard_and_are_no_archive(raw, source):
    paths = sorted((raw / "noise").glob("*.wav"))
    assert len(paths) == 5
    for path in paths:
        samples, rate = soundfile.read(path)
        assert rate == 44100 and 4 <= len(samples) / rate <= 12
        assert 1e-4 < samples.std() < 0.3
    assert not {r.audio for r in source.recordings} & set(paths)


def test_the_demo_is_prepared_with_its_marks_and_its_recordings_of_nothing(raw, tmp_path):
    raw.rename(tmp_path / "demo-raw-3")
    try:
        dataset = prepare(Request("demo", seed=3), tmp_path / "demo")
    finally:
        (tmp_path / "demo-raw-3").rename(raw)
    assert len(dataset.split("noise_train")) + len(dataset.split("noise_valid")) == 5
    soundscapes = dataset.split("soundscapes_val") + dataset.split("soundscapes_test")
    assert set(dataset.annotations.files) == {r.file for r in soundscapes}
    assert len(dataset.annotations)


def test_sounds_are_44100_hz_and_some_are_spoiled(raw):
    broken, empty, lengths = 0, 0, []
    for path in raw.rglob("L*.wav"):
        try:
            info = soundfile.info(path)
        except soundfile.LibsndfileError:
            broken += 1
            continue
        assert (info.samplerate, info.subtype) == (44100, "PCM_16")
        if TEST_FOLDER in str(path) and not info.frames:
            empty += 1
        else:
            lengths.append(info.duration)
    assert (broken, empty) == (1, 1)
    assert min(lengths) >= 1.99 and max(lengths) > 40  # soundscapes


def test_a_folder_that_exists_is_left_alone(raw):
    before = content(raw)
    with pytest.raises(UserError, match="exists already"):
        generate(raw)
    assert content(raw) == before


def test_species_are_told_apart_by_sound():
    rng = np.random.default_rng(1)
    for species in SPECIES:
        bird = individual(species.song, rng)
        signal, times = singing(bird, 10 * 44100, rng)
        assert times and all(0 <= begin < end <= 10 for begin, end in times)
        assert 0.2 < np.abs(signal).max() <= 2
    sweep = next(s.song for s in SPECIES if s.latin_name == "Sonora ascendens")
    sound = note(individual(sweep, rng), 1.0, 0.3)
    half = len(sound) // 2

    def pitch(part):
        return np.abs(np.fft.rfft(part)).argmax() * 44100 / len(part)

    assert pitch(sound[:half]) < pitch(sound[half:])


def test_metadata_points_to_the_species_but_not_surely():
    """Told by the true niches, the species is found more often than by chance, yet not always."""
    rng = np.random.default_rng(1)
    ranks = []
    for species in SPECIES:
        for _ in range(40):
            moment = moment_of(species.niche, rng)
            scores = [likelihood(other.niche, moment) for other in SPECIES]
            ranks.append(1 + sum(s > likelihood(species.niche, moment) for s in scores))
    assert 0.5 < np.mean(1 / np.array(ranks)) < 0.8  # chance is 0.26
