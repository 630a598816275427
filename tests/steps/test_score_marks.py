import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from birdml.dataset.recording import Species
from birdml.errors import UserError
from birdml.steps.score_marks import MarkOptions, figures, log_mark_scores, score_marks

ROOT = Path(__file__).parent.parent.parent
RAVEN = "Selection\tView\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies\n"
BIRDNET = "Start (s),End (s),Scientific name,Common name,Confidence,File\n"


@pytest.fixture
def files(tmp_path):
    """Two annotated recordings, in one of which nothing sings, and detections of BirdNET."""
    truth = tmp_path / "truth"
    truth.mkdir()
    (truth / "a.selections.txt").write_text(
        RAVEN + "1\tS\t0\t5\t0\t9\tGreat Tit\n2\tS\t5\t10\t0\t9\tPica pica\n"
        "3\tS\t10\t15\t0\t9\tGreat Tit\n4\tS\t7\t6\t0\t9\tGreat Tit\n"
    )
    (truth / "b.selections.txt").write_text(RAVEN)
    found = tmp_path / "found.csv"
    found.write_text(
        BIRDNET
        + "0,5,Parus major,Great Tit,0.9,/x/a.wav\n5,10,Parus major,Great Tit,0.8,/x/a.wav\n"
        "5,10,Pica pica,Eurasian Magpie,0.7,/x/a.wav\n0,5,Turdus merula,Blackbird,0.1,/x/b.wav\n"
    )
    return str(found), str(truth), str(tmp_path / "out")


def asked(files, **more):
    return MarkOptions(files[0], files[1], out=files[2], **more)


def test_figures_table_curve_and_notes(files, capsys):
    scores = score_marks(asked(files, thresholds="0.75"), [])
    w = scores.windows
    # a: windows 0 to 2, b: one window
    assert (w.windows, w.species, w.without) == (4, 2, 1)
    assert w.cmap == pytest.approx((0.5 + 0.5 * 2 / 4 + 1) / 2)
    assert (w.top1, w.best_threshold) == (pytest.approx(1 / 3), 0.7)
    assert [(r.threshold, r.precision, r.recall) for r in scores.rates] == [
        (0.7, pytest.approx(2 / 3), pytest.approx(2 / 3)),
        (0.75, 0.5, pytest.approx(1 / 3)),
    ]
    assert scores.rates[0].event_f1 == pytest.approx(2 / 3)
    out = capsys.readouterr().out
    assert "left out: it ends before it starts: a.selections.txt: line 5" in out
    assert "1 detected species are never marked" in out and "Turdus merula (1)" in out
    assert "cmAP" in out
    table, figure, problems = scores.files
    assert figure.read_bytes().startswith(b"\x89PNG") and "line 5" in problems.read_text()
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["species"], r["windows"], r["detections"]) for r in rows] == [
        ("Great Tit", "2", "2"),
        ("Pica pica", "1", "1"),
        ("Turdus merula", "0", "1"),
    ]
    assert rows[2]["average_precision"] == "" and rows[0]["precision_at_0.75"] == "0.5"


def test_with_a_label_set_only_its_species_count(files, capsys):
    species = [Species("eurmag1", "Pica pica"), Species("gretit1", "Parus major"), Species("x")]
    scores = score_marks(asked(files), species)
    assert [row["class_id"] for row in scores.species] == ["gretit1", "eurmag1"]
    assert scores.windows.without == 1
    out = capsys.readouterr().out
    assert "1 marks of the detections name no species that the label set knows" in out


def test_a_mapping_and_lengths_of_recordings_are_used(files, tmp_path, capsys):
    import numpy as np
    import soundfile

    (tmp_path / "names.csv").write_text("name,species\nGreat Tit,Meise\nParus major,Meise\n")
    for name, seconds in (("a", 12.0), ("b", 30.0)):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(int(seconds * 1000)), 1000)
    scores = score_marks(
        asked(files, names=str(tmp_path / "names.csv"), audio=str(tmp_path), window=10.0), []
    )
    assert scores.species[0]["species"] == "Meise"
    assert scores.windows.windows == 2 + 3
    assert "1 marks of the truth are cut at the end" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": 0.0}, "window: 0 s"),
        ({"window": float("nan")}, "window: nan"),
        ({"iou": 0.0}, "iou: 0"),
        ({"thresholds": "a"}, "thresholds and onset: .*'a'"),
        ({"thresholds": "nan"}, "must be finite"),
        ({"onset": "-1"}, "onset a number of seconds"),
        ({"names": "none.csv"}, "can't read the names"),
        ({"columns": "species=Nope"}, "has no 'Nope'"),
        ({"audio": "nowhere"}, "no folder 'nowhere'"),
    ],
)
def test_a_mistake_is_one_line(files, options, said):
    with pytest.raises(UserError, match=said):
        score_marks(asked(files, **options), [])
    assert not Path(files[2]).exists()


def test_scores_of_everything_are_no_truth(files, tmp_path):
    (tmp_path / "scores.csv").write_text("file,start_time,end_time,x,y\na.wav,0,5,0.2,0.1\n")
    with pytest.raises(UserError, match="these are detections"):
        score_marks(MarkOptions(files[0], str(tmp_path / "scores.csv"), out=files[2]), [])


def test_undefined_figures_are_not_logged(files):
    scores = score_marks(asked(files, thresholds="0.95"), [])
    names = figures(scores)
    assert names["cmap"] == scores.windows.cmap
    assert "precision_at_0.95" not in names and names["recall_at_0.95"] == 0


def test_a_dataset_without_annotations_says_so(files, tmp_path):
    from birdml.dataset.annotated import annotations
    from birdml.dataset.recording import Recording
    from birdml.dataset.writing import write_dataset

    species = [Species("gretit1", "Parus major"), Species("eurmag1", "Pica pica")]
    recordings = [Recording("a.wav", "valid", "gretit1", samples=22050 * 60)]
    write_dataset(tmp_path / "data", "d", species, recordings)
    options = MarkOptions(files[0], str(tmp_path / "data"), out=files[2])
    with pytest.raises(UserError, match=r"no annotations\.csv.*not when"):
        score_marks(options, [])
    columns = np.array([[0, 0, 0, 5, np.nan, np.nan], [0, 1, 5, 10, 100, 900]]).T
    marked = annotations(["a.wav"], *columns[:2].astype(int), *columns[2:])
    write_dataset(tmp_path / "data", "d", species, recordings, marked=marked)
    scores = score_marks(options, [])
    assert scores.windows.windows == 12 and scores.dataset.name == "d"
    assert [row["class_id"] for row in scores.species] == ["gretit1", "eurmag1"]


def test_a_run_keeps_figures_files_and_the_dataset(files, tmp_path, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    monkeypatch.chdir(tmp_path)
    options = asked(files, thresholds="0.75")
    log_mark_scores(options, score_marks(options, []))
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert run.data.tags["birdml.family"] == "score"
    assert run.data.metrics["detection/cmap"] == pytest.approx(0.875)
    assert "detection/f1_at_0.75" in run.data.metrics
    assert {f.path for f in client.list_artifacts(run.info.run_id, "score")} == {
        "score/found_species.csv",
        "score/found_precision_recall.png",
        "score/problems.csv",
    }


def test_the_command_takes_either_a_submission_or_detections(files):
    command = [sys.executable, ROOT / "entry_points" / "score.py", "--truth", files[1]]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "name either --submission" in done.stderr
    done = subprocess.run(
        [*command, "--detections", files[0], "--out", files[2]], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "cmAP" in done.stdout
