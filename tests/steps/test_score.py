import subprocess
import sys
from pathlib import Path

import pytest

from birdml.dataset.recording import Species
from birdml.errors import UserError
from birdml.steps.score import ScoreOptions, score

ROOT = Path(__file__).parent.parent.parent
LINES = ["1;a;0.9;1", "1;b;0.1;2", "2;b;0.5;1", "2;a;0.4;2"]


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


@pytest.fixture
def files(tmp_path):
    return write(tmp_path / "ours.csv", LINES), write(tmp_path / "truth.csv", ["1;a;", "2;a;b"])


def test_figures_notes_table_and_figure(tmp_path, files, capsys):
    submission, truth = files
    scores = score(ScoreOptions(submission, truth, out=str(tmp_path / "out")))
    assert (scores.mrr, scores.map) == (0.75, 1.0)
    text = capsys.readouterr().out
    assert "\nMAP, with background species  1.000000\n" in text
    head, *lines = text.partition("\n\nclass_id")[2].partition("\n\n")[0].splitlines()
    assert head.split()[0] == "recordings" and [line.split()[0] for line in lines] == ["a"]
    assert "0.750000" in text and "class ids are not checked" in text and "(the same)" in text
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "ours_species.csv",
        "ours_species.png",
    }


def test_of_many_species_both_ends_are_shown_in_the_same_columns(tmp_path, capsys):
    names = [f"{'long' * (i == 29)}{i:02d}" for i in range(30)]
    lines = [
        f"{i};{name};{1 - 0.01 * rank};{rank}"
        for i, name in enumerate(names, 1)
        for rank, name in enumerate([name] if i <= 15 else [names[i - 2], name], 1)
    ]
    truth = [f"{i};{name};" for i, name in enumerate(names, 1)]
    score(ScoreOptions(write(tmp_path / "s.csv", lines), write(tmp_path / "truth.csv", truth)))
    table = capsys.readouterr().out.partition("\n\nclass_id")[2].splitlines()
    assert len(table) == 22 and table[11] == "... 10 species between ..."
    assert [line.split()[0] for line in table[1:3]] == ["00", "01"]
    ends = {len(line) for line in table[1:11] + table[12:]}
    assert len(ends) == 1, "the columns of both ends are the same"


def test_the_label_set_beside_the_truth_is_used(tmp_path, files):
    submission, truth = files
    truth = write(tmp_path / "truth.csv", ["1;a;", "2;a;a"])
    write(tmp_path / "allowed_classes.txt", ["a"])
    with pytest.raises(UserError, match="2 faults"):
        score(ScoreOptions(submission, truth))
    assert score(ScoreOptions(submission, truth, classes=write(tmp_path / "c", ["a", "b"])))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a b\n", b"a;b\n", b"", b"a\0\n"])
def test_a_broken_list_of_classes_is_named(tmp_path, files, content):
    classes = tmp_path / "list.txt"
    classes.write_bytes(content)
    with pytest.raises(UserError, match=r"list\.txt.*one a line"):
        score(ScoreOptions(*files, classes=str(classes)))


def test_what_is_missing_counts_nothing_and_is_named(tmp_path, files, capsys):
    truth = write(tmp_path / "more.csv", ["1;a;", "2;a;b", "3;b;"])
    assert score(ScoreOptions(files[0], truth)).mrr == 0.5
    assert "1 recordings of the truth are not in the file and count 0: recording 3" in (
        capsys.readouterr().out
    )
    with pytest.raises(UserError, match="1 fault,"):
        score(ScoreOptions(write(tmp_path / "bad.csv", [*LINES, "2;c;2;3"]), truth))
    assert "recording 3 is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        (["1;a;00:00:00-00:00:05"], "is a mono submission"),
        (["7;a;b"], "none of the recordings"),
        (["8794;a;b"], "nothing to score"),
        ([], "is empty"),
    ],
)
def test_a_truth_that_does_not_fit_is_refused(tmp_path, files, truth, message):
    with pytest.raises(UserError, match=message):
        score(ScoreOptions(files[0], write(tmp_path / "other.csv", truth)))


def test_the_command_lists_all_faults_and_exits_with_2(tmp_path, files):
    bad = write(tmp_path / "bad.csv", ["1,a,0.9,1", *LINES[1:3], "2;a;0.4;7", "9;a;0.1;1"])
    command = [sys.executable, ROOT / "entry_points" / "score.py"]
    done = subprocess.run(
        [*command, "--submission", bad, "--truth", files[1]], capture_output=True, text=True
    )
    assert done.returncode == 2
    faults = [line for line in done.stderr.splitlines() if line.startswith("bad.csv: ")]
    assert [line.split(":")[1].strip() for line in faults] == ["line 1", "line 4", "line 5"]
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.stderr


def test_the_truth_of_a_prepared_dataset_needs_no_list_of_classes(monkeypatch, tmp_path, capsys):
    from birdml.dataset.prepared import Dataset
    from birdml.dataset.recording import Recording

    recordings = (Recording("1.wav", "valid", "a"), Recording("2.wav", "valid", "b", ("a",)))
    data = Dataset(tmp_path, "d", "0", (Species("a", "Aa aa"), Species("b", "Bb bb")), recordings)
    monkeypatch.setattr("birdml.steps.score.open_dataset", lambda folder: data)
    scores = score(ScoreOptions(write(tmp_path / "s.csv", LINES), str(tmp_path)))
    assert (scores.mrr, scores.map) == (1.0, 1.0)
    assert "Aa aa" in capsys.readouterr().out
