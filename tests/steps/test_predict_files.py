"""`predict` on audio files with a saved model: requests, formats, figures."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from birdml.calibration.calibrate import calibrate
from birdml.calibration.saved import save_calibration
from birdml.dataset.prepared import Dataset
from birdml.ensemble.combination import Member, load_combination, save_combination
from birdml.errors import UserError
from birdml.prediction.recordings import pooled_logits
from birdml.steps.named_model import find_model
from birdml.steps.predict_files import FileOptions, predict_recordings
from birdml.zoo.saved import save_model
from tests.calibration.simulated import simulate
from tests.prediction.small import noise
from tests.prediction.test_split import SPECIES, model


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "birds").mkdir()
    soundfile.write("birds/a.wav", noise(6), 22050)
    save_model("saved", model(pooling="att4"))
    save_model("meta", model(family="meta"))
    return tmp_path


def test_tables_labels_and_figures_of_a_folder(here, capsys):
    asked = FileOptions(
        "saved", "birds", windows="5s", format="csv, raven", figures=True, saliency="avis 3"
    )
    predict_recordings(asked)
    out = here / "predictions" / "birds-small-5s"
    assert f"1 files, 0 left out: {out.relative_to(here) / 'predictions.csv'}" in (
        capsys.readouterr().out
    )
    with open(out / "predictions.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2 * 5
    assert (out / "a.wav.selections.txt").exists()
    assert (out / "a.wav.png").read_bytes()[:4] == b"\x89PNG"
    predict_recordings(asked)
    assert "1 files (1 of them were there)" in capsys.readouterr().out


def test_common_names_of_a_table_are_in_the_results_and_belong_to_them(here, capsys):
    names = "Latin;Deutsch;Suomi\n" + "".join(
        f"{one.latin_name};Vogel {n};lintu {n}\n" for n, one in enumerate(SPECIES[1:], 1)
    )
    Path("names.csv").write_text(names)
    asked = FileOptions(
        "saved", "birds", out="out", top=len(SPECIES), names="names.csv", language="deutsch"
    )
    predict_recordings(asked)
    found = {row["latin_name"]: row["common_name"] for row in table("out")}
    assert found[SPECIES[0].latin_name] == "" and found[SPECIES[2].latin_name] == "Vogel 2"
    assert f"names: 1 of {len(SPECIES)} species have none" in capsys.readouterr().out
    with pytest.raises(UserError, match="'out' holds predictions made with another names"):
        predict_recordings(replace(asked, language="Suomi"))
    with pytest.raises(UserError, match="give names=FILE too"):
        predict_recordings(FileOptions("saved", "birds", out="other", language="Suomi"))
    assert not Path("other").exists()


@pytest.fixture
def calibrated(here):
    """A combination of one model, calibrated on made-up logits of its species."""
    save_combination("combination", "audio7", [Member("audio7", 1.0)], ["saved"])
    logits, present = simulate(np.random.default_rng(0), 400, species=len(SPECIES))
    of = Dataset(None, "made up", "d1", SPECIES, ())
    save_calibration(Path("combination"), calibrate(logits - 2, present, range(400), of)[0])
    return load_combination("combination")


def table(out):
    with open(Path(out) / "predictions.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_scores_are_those_of_the_calibration(calibrated, capsys):
    predict_recordings(FileOptions("combination", "birds", out="out", min_score="0"))
    assert "uncalibrated" not in capsys.readouterr().out
    logits = pooled_logits(calibrated.members[0][0].network, noise(6))
    expected = calibrated.calibration.presence.probabilities(logits[None])[0]
    found = table("out")
    assert [r["rank"] for r in found] == list("12345")
    for row in found:
        label = [s.class_id for s in SPECIES].index(row["species"])
        assert float(row["score"]) == pytest.approx(expected[label], abs=1e-5)
    predict_recordings(FileOptions("combination", "birds", out="tenth"))
    assert len(table("tenth")) == min(5, (expected >= 0.1).sum())
    predict_recordings(FileOptions("combination", "birds", out="shares", scores="softmax"))
    assert len(table("shares")) == 5
    with pytest.raises(UserError, match="another thresholds"):
        predict_recordings(FileOptions("combination", "birds", out="tenth", precision="0.9"))


def test_every_form_of_table_is_written_and_gone_on_with(calibrated, capsys):
    forms = "csv, raven, audacity, kaleidoscope, birdnet, parquet"
    soundfile.write("birds/20230512_235958.wav", noise(3, seed=2), 16000)
    asked = FileOptions("combination", "birds", out="out", min_score="0", format=forms)
    predict_recordings(asked)
    names = {path.name for path in Path("out").iterdir()}
    assert names >= {
        *("predictions.csv", "predictions.selections.txt", "predictions.kaleidoscope.csv"),
        *("BirdNET_CombinedTable.csv", "predictions.parquet", "a.wav.labels.txt"),
    }
    rows = table("out")
    assert {row["model"] for row in rows} == {"audio7"} and len(rows) == 10
    assert {row["date"] for row in rows if row["file"] != "a.wav"} == {"2023-05-12"}
    raven = (Path("out") / "20230512_235958.wav.selections.txt").read_text()
    assert "\t8000.0\t" in raven
    days = {path.parent.name for path in Path("out").rglob("*.parquet") if path.is_file()}
    assert days == {"recorded=2023-05-12", "recorded=unknown"}
    capsys.readouterr()
    next(Path("out").rglob("recorded=unknown/*.parquet")).unlink()
    predict_recordings(asked)
    assert "2 files (1 of them were there)" in capsys.readouterr().out


def test_thresholds_by_rule_are_written_edited_and_given_back(calibrated, capsys):
    asked = FileOptions("combination", "birds", out="out", precision="0.9")
    predict_recordings(asked)
    path = Path("out") / "thresholds.csv"
    lines = path.read_text().splitlines()
    assert len(lines) == 1 + len(SPECIES) and lines[0].startswith("species,latin_name,threshold")
    some = [",".join((*line.split(",")[:2], "0", *line.split(",")[3:])) for line in lines[2:4]]
    Path("mine.csv").write_text("\n".join([lines[0], *some]) + "\n")
    capsys.readouterr()
    predict_recordings(FileOptions("combination", "birds", out="mine", thresholds="mine.csv"))
    assert f"{len(SPECIES) - 2} of {len(SPECIES)} species have no row" in capsys.readouterr().out
    assert {SPECIES[1].class_id, SPECIES[2].class_id} & {row["species"] for row in table("mine")}
    path.write_text("edited")
    predict_recordings(asked)  # what was edited is not lost
    assert path.read_text() == "edited"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_score": "high"}, "^min_score='high': it must be a number"),
        ({"min_score": "2"}, "^min_score=2: it must be"),
        ({"precision": "0.9", "recall": "0.9"}, "precision and recall: give one"),
        ({"scores": "sigmoid"}, "^scores='sigmoid'"),
        ({"thresholds": "nowhere.csv"}, "'nowhere.csv' is missing"),
        ({"model": "saved", "precision": "0.9"}, "audio7|small.* uncalibrated.* -e calibrate"),
        ({"model": "saved", "thresholds": "x.csv"}, "thresholds needs calibrated scores"),
    ],
)
def test_rules_that_cannot_be_kept_say_why_and_write_nothing(calibrated, here, changes, message):
    options = {"model": "combination", "recordings": "birds", **changes}
    with pytest.raises(UserError, match=message):
        predict_recordings(FileOptions(**options))
    assert not (here / "predictions").exists()


def test_uncalibrated_is_said_once(here, capsys):
    predict_recordings(FileOptions("saved", "birds", out="out"))
    assert capsys.readouterr().out.count("uncalibrated: scores are shares of the softmax") == 1
    assert sum(float(row["score"]) for row in table("out")) <= 1


def test_date_and_place_reach_the_models_that_take_them(here):
    answers = []
    for latitude in ("-3", "40"):
        asked = FileOptions("meta", "birds", out=f"at{latitude}", latitude=latitude, longitude="5")
        predict_recordings(asked)
        answers.append((here / f"at{latitude}" / "predictions.csv").read_text())
    assert answers[0] != answers[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latitude": "95"}, r"^latitude 95 is not in -90\.\.90"),
        ({"longitude": "east"}, "^longitude 'east' is no number"),
        ({"date": "2018-13-01"}, "^date '2018-13-01' is not yyyy-mm-dd"),
        ({"time": "25:00"}, "^time '25:00' is not hh:mm"),
        ({"format": "xls"}, "format='xls'"),
        ({"windows": "10s"}, "windows='10s'"),
        ({"recordings": "nowhere"}, "no file or folder 'nowhere'"),
        ({"recordings": "saved"}, "holds no audio"),
        ({"model": "birds"}, "holds no model"),
        ({"model": "meta"}, "takes date, time and place"),
        ({"saliency": "dodo"}, "no such species"),
        ({"model": "meta", "latitude": "3", "longitude": "3", "figures": True}, "one that listens"),
    ],
)
def test_what_cannot_be_done_says_why_and_writes_nothing(here, changes, message):
    options = {"model": "saved", "recordings": "birds", **changes}
    with pytest.raises(UserError, match=message):
        predict_recordings(FileOptions(**options))
    assert not (here / "predictions").exists()


def test_no_readable_file_at_all(here):
    (here / "bad").mkdir()
    (here / "bad" / "x.wav").write_bytes(b"")
    with pytest.raises(UserError, match="none of the 1 files"):
        predict_recordings(FileOptions("saved", "bad"))


def test_a_saved_model_is_a_combination_of_one(here):
    found = find_model("saved", "cpu")
    assert found.species == SPECIES and found.weights.tolist() == [1.0]


def test_sites_and_zones_are_asked_for_said_and_in_the_table(here, capsys):
    soundfile.write("birds/A1_20230512_033000.wav", noise(2), 22050)
    Path("sites.csv").write_text("site,latitude,longitude\nA1,48,16\nB2,47,15\n")
    asked = {"sites": "sites.csv", "timezone": "UTC,Europe/Vienna", "jobs": 2}
    predict_recordings(FileOptions("saved", "birds", out="out", **asked))
    said = capsys.readouterr().out
    assert "times of 1 files: brought to Europe/Vienna" in said
    assert "sites: no file for B2" in said and "note: a.wav: no site matches" in said
    row = table("out")[0]
    assert (row["site"], row["wall_clock"]) == ("A1", "2023-05-12T05:30:00+02:00")
    # a model of date and place hears where that is known, and says so of the others
    predict_recordings(FileOptions("meta", "birds", out="meta", sites="sites.csv"))
    assert "left out: a.wav (neither date nor time nor place" in capsys.readouterr().out
    assert {row["file"] for row in table("meta")} == {"A1_20230512_033000.wav"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jobs": 0}, "jobs=0"),
        ({"executor": "spark"}, "executor='spark'"),
        ({"executor": "ray", "figures": True}, "writes no figures"),
        ({"sites": "nowhere.csv"}, "'nowhere.csv' is missing"),
        ({"sites": "s.csv", "latitude": "3", "longitude": "3"}, "leave latitude"),
        ({"timezone": "Mars"}, "'Mars' is no zone"),
    ],
)
def test_archives_that_cannot_be_asked_for_write_nothing(here, changes, message):
    with pytest.raises(UserError, match=message):
        predict_recordings(FileOptions("saved", "birds", **changes))
    assert not (here / "predictions").exists()
