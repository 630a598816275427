"""`compare` on a truth: tables and registered models side by side."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from birdml.dataset.annotated import annotations
from birdml.dataset.recording import SAMPLE_RATE
from birdml.dataset.writing import write_dataset
from birdml.errors import UserError
from birdml.steps.compare_marks import MarkComparison, compare_marks
from birdml.tracking.arrays import log_predictions
from tests.datasets import make_dataset
from tests.steps.test_calibrate import add_model

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def tables(tmp_path):
    """A truth of six recordings and two tables, one that is right and one that is not."""
    truth, right, wrong = (["file,start,end,species,score"] for _ in range(3))
    for number in range(6):
        for window, (species, other) in enumerate((("Great Tit", "Wren"), ("Wren", "Great Tit"))):
            begin = 5 * window
            truth.append(f"r{number},{begin},{begin + 4},{species},")
            right.append(f"/x/r{number}.wav,{begin},{begin + 5},{species},0.9")
            right.append(f"/x/r{number}.wav,{begin},{begin + 5},{other},0.{number + 1}")
            wrong.append(f"r{number}.flac,{begin},{begin + 5},{other},0.8")
    for name, lines in (("truth", truth), ("right", right), ("wrong", wrong)):
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def asked(folder, models, **more):
    names = ",".join(str(folder / f"{name}.csv") for name in models.split(","))
    out = str(folder / "out" / "page.html")
    return MarkComparison(str(folder / "truth.csv"), names, out, **more)


def test_tables_are_compared_on_one_page(tables, capsys):
    report = compare_marks(asked(tables, "wrong,right,right"))
    assert [d.name for d in report.detectors] == ["right", "right (2)", "wrong"]
    assert (report.windows, report.recordings) == (12, 6)
    assert report.cmap[0].value == 1 and report.cmap[2].value == 0.5
    assert report.wins[0, 2] == 1
    assert report.detectors[0].event_f1 > report.detectors[2].event_f1 == 0
    page = (tables / "out" / "page.html").read_text()
    assert "Great Tit" in page and "how long the recordings are is not known" in page
    assert "It beats wrong in 100% of 1000 resamples" in capsys.readouterr().out


def test_windows_of_all_are_the_same_where_one_table_reaches_further(tables):
    with (tables / "wrong.csv").open("a") as file:
        file.write("r0,40,45,Wren,0.1\n")
    report = compare_marks(asked(tables, "right,wrong"))
    assert {d.cells.windows for d in report.detectors} == {12 + 7}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": 0.0}, "window: 0 s"),
        ({"over": "site"}, "fewer than two sites of the truth's recordings are known"),
        ({"over": "country"}, "it can be recording"),
        ({"models": "none"}, "'none' is no file: .* -P recordings="),
        ({"models": ","}, "nothing to compare"),
        ({"truth": "nowhere"}, "no table and no folder"),
        ({"names": "none.csv"}, "can't read the names"),
    ],
)
def test_a_mistake_is_one_line(tables, options, said):
    with pytest.raises(UserError, match=said):
        compare_marks(replace(asked(tables, "right"), **options))
    assert not (tables / "out").exists()


def test_a_table_that_shares_nothing_is_named(tables):
    (tables / "else.csv").write_text("file,start,end,species\nq9,0,1,Wren\n")
    with pytest.raises(UserError, match="^else: none of the recordings of the detections"):
        compare_marks(asked(tables, "right,else"))


def test_registered_models_stand_beside_tables(client, tmp_path, capsys):
    """Predictions of the soundscapes are those of the run; the model's network is never asked."""
    plain = make_dataset(tmp_path / "plain")
    (scape,) = plain.split("soundscapes_val")
    train = plain.split("train")[0]
    columns = np.array([[0, 0, 0.5, 3.5], [0, 1, 5.5, 7.5], [0, 2, 10.5, 11.5], [1, 0, 0.1, 0.3]]).T
    marked = annotations(
        [scape.file, train.file],
        *columns[:2].astype(int),
        *columns[2:],
        *np.full((2, columns.shape[1]), np.nan),
    )
    dataset = write_dataset(
        tmp_path / "plain", "plain", plain.species, plain.recordings, marked=marked
    )
    run_id = add_model(client, tmp_path / "models", dataset, "meta3")
    starts = 5.0 * np.arange(3)
    logits = np.array([[9, 0, 0], [0, 9, 3], [0, 3, 0]], np.float32)
    log_predictions(client, run_id, "soundscapes_val", [scape.file] * 3, logits, starts)
    (tmp_path / "theirs.csv").write_text(
        f"file,start,end,species,score\n{scape.file},0,5,Avis secunda,0.9\n"
    )
    out = str(tmp_path / "page.html")
    models = f"meta3,{tmp_path / 'theirs.csv'}"
    report = compare_marks(MarkComparison(str(dataset.folder), models, out))
    assert [d.name for d in report.detectors] == ["meta3", "theirs"]
    assert scape.samples == 12 * SAMPLE_RATE and report.windows == 3
    assert report.cmap[0].value == 1
    assert "1 annotated recordings are trained on: left out" in capsys.readouterr().out


def test_the_command(tables):
    command = [sys.executable, ROOT / "entry_points" / "compare.py", "--models", "x"]
    done = subprocess.run([*command, "--recordings", "y"], capture_output=True, text=True)
    assert done.returncode == 2 and "give truth=" in done.stderr
    options = asked(tables, "right")
    command = [*command[:-1], options.models, "--truth", options.truth, "--out", options.out]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "cmAP" in done.stdout
