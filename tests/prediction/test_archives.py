"""Archives of recorders: several jobs, sites and wall clocks, journals that break, sizes."""

import csv
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from birdml.dataset.circumstances import read_tables
from birdml.errors import UserError
from birdml.prediction.files import predict_files
from birdml.prediction.journal import JOURNAL, read_journal
from birdml.prediction.listen import Asked
from birdml.prediction.side_by_side import Helpers, SideBySide
from birdml.prediction.tables import FORMATS
from tests.prediction.small import noise
from tests.prediction.test_split import model


@pytest.fixture
def archive(tmp_path):
    source = tmp_path / "birds"
    for site in ("A", "B"):
        (source / site).mkdir(parents=True)
        for hour in (3, 4, 5):
            path = source / site / f"20230512_0{hour}0010.wav"
            soundfile.write(path, noise(2, seed=hour), 22050, subtype="PCM_16")
    (source / "broken.wav").write_bytes(b"none")
    return source


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_several_jobs_make_the_same_bytes_in_the_same_order(archive, tmp_path):
    members = [(model(), 1.0)]
    for jobs in (1, 3):
        run = {"run": SideBySide(jobs)} if jobs > 1 else {}
        out = tmp_path / f"out{jobs}"
        outcome = predict_files(members, archive, out, Asked("5s"), FORMATS, **run)
        assert len(outcome.predicted) == 6 and list(outcome.faulty) == ["broken.wav"]
    assert contents(tmp_path / "out1") == contents(tmp_path / "out3")


@pytest.mark.parametrize(
    "asked", [Asked(), Asked("5s"), Asked("5s", hop=0.5), Asked("frame")], ids=str
)
@pytest.mark.parametrize("settings", [{}, {"pooling": "att4"}, {"magnitude": "pcen"}], ids=str)
def test_one_long_file_is_heard_by_all_jobs_with_the_same_bytes(
    tmp_path, monkeypatch, asked, settings
):
    soundfile.write(tmp_path / "long.wav", noise(200), 22050, subtype="PCM_16")
    members = [(model(**settings), 1.0), (model(**settings), 0.5)]
    predict_files(members, tmp_path / "long.wav", tmp_path / "one", asked)
    monkeypatch.setattr("birdml.prediction.side_by_side.cores", lambda: 3)
    monkeypatch.setattr("birdml.prediction.side_by_side.torch.get_num_threads", lambda: 1)
    helped = []
    help_with = Helpers._help

    def help_noted(self, line):
        step = line.step
        line.step = lambda: step() and not helped.append(1)
        help_with(self, line)

    monkeypatch.setattr(Helpers, "_help", help_noted)
    predict_files(members, tmp_path / "long.wav", tmp_path / "three", asked, run=SideBySide(3))
    assert contents(tmp_path / "one") == contents(tmp_path / "three")
    assert len(helped) > 5


def test_a_helper_that_fails_ends_the_file_and_gives_its_turn_back():
    turn = threading.BoundedSemaphore(2)
    with ThreadPoolExecutor(1) as threads, turn:
        spread = Helpers(threads, turn, 4)
        assert list(spread(str, range(20))) == [str(n) for n in range(20)]
        with pytest.raises(ZeroDivisionError):
            list(spread(lambda n: 1 / (n - 3), range(20)))
    assert turn.acquire(blocking=False) and turn.acquire(blocking=False)


def test_an_error_of_one_job_ends_all(archive, tmp_path, monkeypatch):
    def full(*args):
        raise UserError("no space left")

    monkeypatch.setattr("birdml.prediction.hearing.write", full)
    with pytest.raises(UserError, match="no space left"):
        predict_files([(model(), 1.0)], archive, tmp_path / "o", Asked(), run=SideBySide(2))


def sites(tmp_path, latitude="48"):
    path = tmp_path / "sites.csv"
    path.write_text(f"site,latitude,longitude,name\nA,{latitude},16,Meadow\nB,47,15.5,\n")
    return read_tables(str(path), "", "UTC,Europe/Vienna")


def test_detections_carry_site_and_wall_clock(archive, tmp_path):
    import pyarrow.dataset

    out, told = tmp_path / "out", {"sites": True}
    arguments = ([(model(), 1.0)], archive, out, Asked(top=1), ("csv", "parquet"))
    predict_files(*arguments, tables=sites(tmp_path), told=told)
    with open(out / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[-4:] == ["site", "latitude", "longitude", "wall_clock"]
    assert [rows[0][n] for n in ("site", "latitude", "time", "wall_clock")] == [
        *("Meadow", "48", "05:00", "2023-05-12T05:00:10+02:00")
    ]
    found = pyarrow.dataset.dataset(out / "predictions.parquet", partitioning="hive").to_table()
    assert sorted(set(found["site"].to_pylist())) == ["B", "Meadow"] and len(found) == 6
    # a site that is corrected is heard anew, the others are not
    again = predict_files(*arguments, tables=sites(tmp_path, "47.5"), told=told)
    assert again.predicted == [f"A/20230512_0{hour}0010.wav" for hour in (3, 4, 5)]
    assert read_journal(out).entries["B/20230512_030010.wav"].site == "B"
    with pytest.raises(UserError, match="another sites"):
        predict_files(*arguments)


def test_a_line_of_the_journal_that_is_torn_or_changed_counts_as_none(archive, tmp_path):
    members, out = [(model(), 1.0)], tmp_path / "out"
    (archive / "broken.wav").unlink()
    predict_files(members, archive, out, Asked())
    lines = (out / JOURNAL).read_bytes().splitlines(keepends=True)
    changed = lines[0].replace(b'"seconds": 2.0', b'"seconds": 9.0')
    assert changed != lines[0]
    (out / JOURNAL).write_bytes(changed + b"".join(lines[1:3]) + lines[3][:40])
    again = predict_files(members, archive, out, Asked())
    assert len(again.there) == 2 and len(again.predicted) == 4
    assert len(predict_files(members, archive, out, Asked()).there) == 6


def test_a_journal_without_checksums_is_gone_on_with(archive, tmp_path):
    members, out = [(model(), 1.0)], tmp_path / "out"
    predict_files(members, archive, out, Asked())
    old = ("file", "source", "stamp", "problem", "faulty", "seconds")
    lines = [json.loads(line) for line in (out / JOURNAL).read_text().splitlines()]
    text = [json.dumps({k: v for k, v in line.items() if k in old}) for line in lines]
    (out / JOURNAL).write_text("\n".join(text) + "\n")
    assert len(predict_files(members, archive, out, Asked()).there) == 6


def test_no_room_for_the_journal_is_one_line_and_it_goes_on(archive, tmp_path, monkeypatch):
    members, out = [(model(), 1.0)], tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("birdml.prediction.journal.zlib.crc32", lambda text: no_room())
        with pytest.raises(UserError, match="no space left for .*journal"):
            predict_files(members, archive, out, Asked())
    assert len(predict_files(members, archive, out, Asked()).predicted) == 6


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_disk_that_is_full_in_the_middle_ends_in_one_line_and_it_goes_on(
    archive, tmp_path, monkeypatch, jobs
):
    members, out, forms = [(model(), 1.0)], tmp_path / "out", ("csv", "raven", "parquet")
    run = {"run": SideBySide(jobs)} if jobs > 1 else {}
    room = iter(range(9))
    replace = os.replace

    def until_full(source, target):
        if "wav" in str(target) and next(room, None) is None:
            no_room()
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("birdml.files.os.replace", until_full)
        with pytest.raises(UserError, match="no space left for .*; what is done is kept") as full:
            predict_files(members, archive, out, Asked("5s"), forms, **run)
    assert "\n" not in str(full.value)
    assert not [name for name in contents(out) if name.endswith(".part")]
    again = predict_files(members, archive, out, Asked("5s"), forms, **run)
    assert len(again.there) + len(again.predicted) == 6 and again.there
    predict_files(members, archive, tmp_path / "whole", Asked("5s"), forms)
    ours, whole = contents(out), contents(tmp_path / "whole")
    assert ours.pop(JOURNAL) and whole.pop(JOURNAL)
    assert ours == whole


def test_a_clock_that_was_not_set_is_listed_and_is_no_date(archive, tmp_path):
    (archive / "A" / "20230512_030010.wav").rename(archive / "A" / "19700101_000010.wav")
    outcome = predict_files([(model(), 1.0)], archive / "A", tmp_path / "out", Asked(top=1))
    assert outcome.remarks == {"19700101_000010.wav": "the clock of the recorder was not set"}
    with open(tmp_path / "out" / "predictions.csv", newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert rows["19700101_000010.wav"]["date"] == rows["19700101_000010.wav"]["time"] == ""
    assert rows["20230512_040010.wav"]["date"] == "2023-05-12"
    listed = (tmp_path / "out" / "problems.csv").read_text()
    assert "19700101_000010.wav,the clock of the recorder was not set" in listed


def test_a_dead_channel_is_said_and_the_other_is_heard(archive, tmp_path):
    samples = noise(3)
    stereo = np.stack([samples, np.zeros_like(samples)], axis=1)
    for folder, sound in (("mono", samples), ("stereo", stereo)):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "a.wav", sound, 22050, subtype="PCM_16")
        outcome = predict_files(
            [(model(), 1.0)], tmp_path / folder, tmp_path / f"o{folder}", Asked()
        )
    assert outcome.remarks["a.wav"] == (
        "channel 2 is silent or far quieter: channel 1 of 2 was taken"
    )
    tables = [(tmp_path / f"o{folder}" / "a.wav.csv").read_bytes() for folder in ("mono", "stereo")]
    assert tables[0] == tables[1]


def test_files_of_several_sites_or_of_none_are_heard_without_a_place_and_listed(archive, tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("site,latitude,longitude\nA,48,16\n*_04*.wav,47,15\nC,46,14\n")
    tables, out = read_tables(str(path)), tmp_path / "out"
    members, told = [(model(), 1.0)], {"sites": True}
    outcome = predict_files(members, archive, out, Asked(top=1), tables=tables, told=told)
    several = "several sites match (*_04*.wav, A): none was taken"
    assert outcome.remarks == {
        "A/20230512_040010.wav": several,
        "B/20230512_030010.wav": "no site matches",
        "B/20230512_050010.wav": "no site matches",
    }
    assert tables.sites.unmatched == ["C"]
    with open(out / "predictions.csv", newline="") as file:
        places = {row["file"]: (row["site"], row["latitude"]) for row in csv.DictReader(file)}
    assert places["A/20230512_030010.wav"] == ("A", "48")
    assert places["A/20230512_040010.wav"] == places["B/20230512_030010.wav"] == ("", "")
    assert several in (out / "problems.csv").read_text()


def no_room():
    raise OSError(28, "No space left on device")


def test_tables_that_nothing_opens_are_left_out_and_said(archive, tmp_path, monkeypatch):
    members, out = [(model(), 1.0)], tmp_path / "out"
    predict_files(members, archive / "A" / "20230512_030010.wav", out, Asked())
    assert (out / "predictions.csv").exists()
    monkeypatch.setattr("birdml.prediction.tables.rows.MOST_BYTES", 500)
    outcome = predict_files(members, archive, out, Asked())
    assert outcome.too_large == ["predictions.csv"] and not (out / "predictions.csv").exists()
    assert predict_files(members, archive, out, Asked()).too_large == ["predictions.csv"]


def test_tables_of_the_folder_are_made_again_only_where_they_must(archive, tmp_path, monkeypatch):
    members, out = [(model(), 1.0)], tmp_path / "out"
    (archive / "broken.wav").unlink()
    predict_files(members, archive, out, Asked())
    whole = (out / "predictions.csv").read_bytes()
    (out / "predictions.csv").unlink()
    predict_files(members, archive, out, Asked())
    assert (out / "predictions.csv").read_bytes() == whole
    monkeypatch.setattr("birdml.prediction.files.Part", None)
    assert len(predict_files(members, archive, out, Asked()).there) == 6


def test_what_was_lost_is_counted_by_reason(archive, tmp_path):
    (archive / "empty.wav").write_bytes(b"")
    (archive / "empty2.wav").write_bytes(b"")
    outcome = predict_files([(model(), 1.0)], archive, tmp_path / "out", Asked())
    assert outcome.lost()[0] == ("empty file", 2) and len(outcome.lost()) == 2
    assert "real time" in outcome.speed
