"""The whole of prepare: bad files, duplicates, splits, folders of others, digests."""

import os
import resource
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from birdml.dataset.opening import open_dataset
from birdml.dataset.writing import verify
from birdml.errors import UserError
from birdml.prepare import Request, prepare, summary
from tests.dataset.made_up import (
    audio_file,
    content,
    problems_of,
    sound,
    species_folders,
    table,
    xml,
)
from tests.golden import ROOT

PREPARE = [sys.executable, str(ROOT / "entry_points" / "prepare.py")]


def test_bad_files_are_left_out_and_listed(tmp_path):
    raw = species_folders(tmp_path / "raw", species=1, each=4)
    bad = raw / "Genus_speciesa"
    (bad / "empty.wav").write_bytes(b"")
    (bad / "text.mp3").write_text("this is no sound" * 100)
    audio_file(bad / "short.wav", 50, seconds=0.05)
    soundfile.write(bad / "silent.wav", np.zeros(22050), 22050)
    samples = sound(51)
    samples[:100] = np.nan
    soundfile.write(bad / "nan.wav", samples, 22050, subtype="FLOAT")
    soundfile.write(bad / "allnan.wav", np.full(9000, np.nan), 22050, subtype="FLOAT")
    path = audio_file(bad / "cut.wav", 52, seconds=4)
    path.write_bytes(path.read_bytes()[:100_000])
    audio_file(bad / "other.wav", 53, format="FLAC")
    os.symlink(bad / "nowhere.wav", bad / "link.wav")
    dataset = prepare(Request(str(raw)), tmp_path / "dataset")
    done = {row[0].split("/")[1]: row[3] for row in problems_of(dataset.folder)}
    out = {name for name, text in done.items() if text.startswith("left out")}
    names = ("empty.wav", "text.mp3", "short.wav", "silent.wav", "allnan.wav", "link.wav")
    assert out == set(names)
    assert "100 values" in done["nan.wav"]
    assert "cut short" in done["cut.wav"]
    assert "suffix is wrong" in done["other.wav"]
    kept = {r.file.split("/")[1] for r in dataset.recordings}
    assert kept == {"r0.wav", "r1.wav", "r2.wav", "r3.wav", "nan.wav", "cut.wav", "other.wav"}
    assert {p.name for p in (dataset.folder / "audio").rglob("*") if p.is_file()} == kept
    assert summary(dataset)[-1].startswith("problems: 9 (6 left out, 3 repaired")


def test_unreadable_folders_are_listed(tmp_path):
    raw = species_folders(tmp_path / "raw", species=2, each=2)
    if os.geteuid() == 0:
        os.chmod(tmp_path, 0o755)
        for parent in tmp_path.parents[:2]:
            os.chmod(parent, 0o755)
    (raw / "Genus_speciesb").chmod(0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(0o777)
    effective = os.geteuid()
    try:
        if effective == 0:
            os.seteuid(65534)  # nobody: root may read everything
        dataset = prepare(Request(str(raw)), tmp_path / "out" / "dataset")
    finally:
        os.seteuid(effective)
        (raw / "Genus_speciesb").chmod(0o755)
    assert dataset.classes == ("Genus_speciesa",)
    assert ("Genus_speciesb", "left out: unreadable (Permission denied)") in {
        (row[0], row[3]) for row in problems_of(dataset.folder)
    }


def test_equal_sounds_are_kept_once(tmp_path):
    raw = species_folders(tmp_path / "raw", species=2, each=5)
    first = raw / "Genus_speciesa" / "r0.wav"
    (raw / "Genus_speciesa" / "again.wav").write_bytes(first.read_bytes())
    (raw / "Genus_speciesb" / "other_label.wav").write_bytes(first.read_bytes())
    samples, _ = soundfile.read(first, dtype="int16")
    soundfile.write(raw / "Genus_speciesa" / "packed.flac", samples, 22050)
    dataset = prepare(Request(str(raw)), tmp_path / "dataset")
    files = {r.file for r in dataset.recordings}
    assert len(files) == 10 and "Genus_speciesa/again.wav" in files
    rows = problems_of(dataset.folder)
    assert {row[0].split("/")[1] for row in rows} == {"r0.wav", "packed.flac", "other_label.wav"}
    assert any("labelled Genus_speciesa" in row[3] for row in rows)


def test_a_listed_validation_recording_wins_over_its_copy(tmp_path):
    raw = species_folders(tmp_path / "raw", species=1, each=3)
    folder = raw / "Genus_speciesa"
    (folder / "z_copy.wav").write_bytes((folder / "r0.wav").read_bytes())
    (tmp_path / "list").write_text("Genus_speciesa/z_copy.wav\n")
    dataset = prepare(Request(str(raw), valid=str(tmp_path / "list")), tmp_path / "dataset")
    assert [r.file for r in dataset.split("valid")] == ["Genus_speciesa/z_copy.wav"]
    assert len(dataset.split("train")) == 2


def test_one_outing_of_a_recordist_is_not_parted(tmp_path):
    rows = [
        {
            "label": f"s{i % 3}",
            "file": f"{i}.wav",
            "recordist": "Ann" if i % 2 else "ann ",
            "locality": f"Place {i % 7}",
            "latitude": i % 5,
            "longitude": 1,
            "date": f"2020-05-{1 + i % 11:02d}",
        }
        for i in range(400)
    ]
    path = table(tmp_path / "raw" / "t.csv", rows)
    dataset = prepare(Request(str(path), valid="0.2"), tmp_path / "dataset")
    split = {r.file: r.split for r in dataset.recordings}
    for keys in (("locality", "date"), ("latitude", "date")):
        outings: dict = {}
        for row in rows:
            name = f"{row['label']}/{row['file'].removesuffix('.wav')}"
            outings.setdefault(tuple(row[key] for key in keys), set()).add(split[name])
        assert all(len(splits) == 1 for splits in outings.values())


def test_two_recordings_of_one_name_are_both_kept(tmp_path):
    raw = species_folders(tmp_path / "raw", species=1, each=2)
    audio_file(raw / "Genus_speciesa" / "r0.flac", 60)
    audio_file(raw / "Genus_speciesa" / "R0.aiff", 61)
    dataset = prepare(Request(str(raw)), tmp_path / "dataset")
    names = [r.file.casefold() for r in dataset.recordings]
    assert len(names) == len(set(names)) == 4
    assert sum(row[1] == "file" for row in problems_of(dataset.folder)) == 2


def test_order_workers_and_place_do_not_matter(tmp_path):
    raw = species_folders(tmp_path / "one" / "raw", species=3, each=6)
    other = tmp_path / "two" / "raw"
    for path in sorted(raw.rglob("*.wav"), reverse=True):
        target = other / path.relative_to(raw)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    first = prepare(Request(str(raw)), tmp_path / "one" / "dataset", workers=1)
    second = prepare(Request(str(other)), tmp_path / "two" / "dataset", workers=5)
    assert first.digest == second.digest
    assert content(first.folder) == content(second.folder)


def test_the_digest_tells_what_is_in_a_dataset(tmp_path):
    raw = species_folders(tmp_path / "raw", species=2, each=4)
    digests = {prepare(Request(str(raw)), tmp_path / "a").digest}
    digests.add(prepare(Request(str(raw), valid="0.4"), tmp_path / "b").digest)
    audio_file(raw / "Genus_speciesa" / "r0.wav", 90)
    digests.add(prepare(Request(str(raw)), tmp_path / "c").digest)
    (raw / "Genus_speciesa").rename(raw / "Genus_speciesx")
    digests.add(prepare(Request(str(raw)), tmp_path / "d").digest)
    assert len(digests) == 4


def test_the_same_command_again_repairs_what_was_damaged(tmp_path):
    raw = species_folders(tmp_path / "raw")
    dataset = prepare(Request(str(raw)), tmp_path / "dataset")
    before = content(dataset.folder)
    touched = {p: p.stat().st_mtime_ns for p in (dataset.folder / "audio").rglob("*.wav")}
    damaged, missing, *_ = sorted(touched)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x7f")
    missing.unlink()
    assert len(verify(dataset)) == 2
    again = prepare(Request(str(raw)), dataset.folder)
    assert content(again.folder) == before and verify(again) == []
    for path, time in touched.items():
        if path not in (damaged, missing):
            assert path.stat().st_mtime_ns == time, "an intact file was converted again"


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    raw = species_folders(tmp_path / "raw", species=1, each=3)
    dataset = prepare(Request(str(raw)), tmp_path / "dataset")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_bytes(b"x")
    before = content(tmp_path)
    other = species_folders(tmp_path / "other", species=2, each=2)
    for request, folder, text in (
        (Request(str(other)), dataset.folder, "another dataset"),
        (Request(str(raw), seed=5), dataset.folder, "another dataset"),
        (Request(str(raw)), tmp_path / "photos", "is no dataset"),
        (Request(str(raw)), tmp_path / "raw", "inside its own source"),
        (Request(str(raw)), tmp_path / "photos" / "me.jpg", "is no dataset"),
    ):
        with pytest.raises(UserError, match=text):
            prepare(request, folder)
    after = content(tmp_path)
    assert {name: after[name] for name in before} == before
    assert {name.split("/")[0] for name in after.keys() - before.keys()} == {"other"}


@pytest.mark.parametrize("valid", ["1", "-0.1", "nowhere.txt", "nan"])
def test_valid_must_make_sense(tmp_path, valid):
    raw = species_folders(tmp_path / "raw", species=1, each=2)
    with pytest.raises(UserError, match="valid"):
        prepare(Request(str(raw), valid=valid), tmp_path / "dataset")


def test_a_source_without_any_usable_recording(tmp_path):
    (tmp_path / "raw" / "Turdus_merula").mkdir(parents=True)
    (tmp_path / "raw" / "Turdus_merula" / "a.wav").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"no recording .* is left: Turdus_merula/a.wav"):
        prepare(Request(str(tmp_path / "raw")), tmp_path / "dataset")
    with pytest.raises(UserError, match="no prepared dataset"):
        open_dataset(tmp_path / "dataset")


def test_strict_and_exit_codes(tmp_path):
    raw = species_folders(tmp_path / "raw", species=1, each=3)
    (raw / "Genus_speciesa" / "empty.wav").write_bytes(b"")
    command = [*PREPARE, "--source", str(raw), "--dataset", str(tmp_path / "dataset")]
    strict = subprocess.run([*command, "--strict"], capture_output=True, text=True)
    assert strict.returncode == 2 and "Traceback" not in strict.stderr
    assert strict.stderr.count("\n") == 1 and "problems.csv" in strict.stderr
    assert not (tmp_path / "dataset" / "dataset.toml").exists()
    assert "empty file" in (tmp_path / "dataset" / "problems.csv").read_text()
    accepted = subprocess.run(command, capture_output=True, text=True)
    assert accepted.returncode == 0 and accepted.stderr == ""
    assert accepted.stdout.splitlines()[-1].startswith("problems: 1 (1 left out")
    wrong = subprocess.run([*PREPARE, "--source", "/no/such"], capture_output=True, text=True)
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1


def test_a_full_disk_is_told_and_the_next_start_goes_on(tmp_path):
    """A limit on the size of files stands for the disk: the system refuses to write on."""
    raw = species_folders(tmp_path / "raw", species=1, each=3)
    audio_file(raw / "Genus_speciesa" / "large.wav", 7, seconds=20)
    command = [*PREPARE, "--source", str(raw), "--dataset", str(tmp_path / "dataset")]
    full = subprocess.run(
        [*command, "--workers", "1"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )
    assert full.returncode == 2, full.stderr
    assert "no space left" in full.stderr and full.stderr.count("\n") == 1
    assert not (tmp_path / "dataset" / "dataset.toml").exists()
    assert not list((tmp_path / "dataset").rglob("*.part"))
    assert subprocess.run(command, capture_output=True).returncode == 0
    reference = prepare(Request(str(raw)), tmp_path / "reference")
    ours, theirs = content(tmp_path / "dataset"), content(reference.folder)
    assert ours.keys() == theirs.keys()
    assert all(ours[name] == theirs[name] for name in ours if name != "dataset.toml")


def test_metadata_is_repaired_and_every_change_is_listed(tmp_path):
    raw = tmp_path / "raw" / "TrainingSet"
    xml(raw / "LIFECLEF2014_X_RN1.xml", 1, time="7.30 pm", date="2003-03-00", elevation="ca. 90 m")
    xml(raw / "LIFECLEF2014_X_RN2.xml", 2, time="?", date="soon", elevation="120")
    dataset = prepare(Request(str(tmp_path / "raw"), valid="0"), tmp_path / "dataset")
    one, two = dataset.recordings
    assert (one.date, one.time, one.elevation) == ("2003-03-15", "19:30", 90)
    assert (two.date, two.time, two.elevation) == ("", "", 120)
    assert {row[1:] for row in problems_of(dataset.folder)} == {
        ("time", "7.30 pm", "read as 19:30"),
        ("date", "2003-03-00", "read as 2003-03-15"),
        ("elevation", "ca. 90 m", "read as 90.0"),
        ("time", "?", "left empty: it says that it is unknown"),
        ("date", "soon", "left empty: nothing can be made of it"),
    }


def test_tables_and_zones_fill_in_what_a_source_does_not_tell(tmp_path):
    folder = tmp_path / "raw" / "turmer"
    folder.mkdir(parents=True)
    for number, name in enumerate(("A1_20230512_033000.wav", "song.wav")):
        sound = np.random.default_rng(number).normal(0, 0.1, 22050)
        soundfile.write(folder / name, sound, 22050)
    sites = tmp_path / "sites.csv"
    sites.write_text("site,latitude,longitude,elevation\nA1,48.25,16.5,200\nB,1,1,\n")
    said = []
    request = Request(
        str(tmp_path / "raw"), valid="0", sites=str(sites), timezone="UTC,Europe/Vienna"
    )
    made = prepare(request, tmp_path / "data", say=said.append)
    known, unknown = sorted(made.recordings, key=lambda r: r.file)
    assert (known.date, known.time) == ("2023-05-12", "05:30")
    assert (known.latitude, known.longitude, known.elevation) == (48.25, 16.5, 200)
    assert unknown.latitude is None and unknown.date == ""
    assert "no site matches" in (tmp_path / "data" / "problems.csv").read_text()
    assert "sites: no file for B" in said
