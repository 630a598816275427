"""`predict` on audio files with a saved model: requests, formats, figures."""

import csv

import pytest
import soundfile

from birdml.errors import UserError
from birdml.steps.predict_files import FileOptions, find_model, predict_recordings
from birdml.zoo.saved import save_model
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
