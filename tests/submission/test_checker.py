import numpy as np
import pytest

from birdml.errors import UserError
from birdml.submission.checker import check, read_submission
from birdml.submission.files import write_monophone, write_soundscape, written_whole
from birdml.submission.lines import detect_task

CLASSES = [f"c{i}" for i in range(4)]
MONO = [f"{media};c{i};0.{9 - i};{i + 1}" for media in ("1", "2", "3") for i in range(4)]
SCAPE = [
    f"{media};00:00:{start:02d}-00:00:{start + 5:02d};c{i};0.{9 - i}"
    for media, start in (("1", 0), ("1", 5), ("2", 0))
    for i in range(4)
]
MONO_ITEMS = [("1", 0), ("2", 0), ("3", 0)]
SCAPE_ITEMS = [("1", 0), ("1", 5), ("2", 0)]


def faults_of(tmp_path, lines, task="mono"):
    path = tmp_path / "file.csv"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    items = MONO_ITEMS if task == "mono" else SCAPE_ITEMS
    return [str(fault) for fault in check(path, task, items, CLASSES, 4)]


def changed(lines, *changes):
    lines = list(lines)
    for number, line in changes:
        lines[number - 1] = line
    return lines


def test_what_is_written_here_has_no_faults(tmp_path):
    logits = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    for kind in ("softmax", "2018", "sigmoid"):
        with written_whole(tmp_path / "mono.csv") as file:
            write_monophone(file, ["1", "2", "3"], logits, CLASSES, kind, 3)
        assert check(tmp_path / "mono.csv", "mono", MONO_ITEMS, CLASSES, 3) == []
        with written_whole(tmp_path / "scape.csv") as file:
            write_soundscape(file, ["1", "1", "2"], np.array([0.0, 5, 0]), logits, CLASSES, kind)
        assert check(tmp_path / "scape.csv", "soundscape", SCAPE_ITEMS, CLASSES, 4) == []
    assert detect_task(tmp_path / "mono.csv") == "mono"
    assert detect_task(tmp_path / "scape.csv") == "soundscape"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([(3, "1,c2,0.7,3")], ["line 3: 1 field instead of 4"]),
        (
            [(3, "9;c2;0.7;3")],
            ["line 3: media id '9' is none of the test set", "line 4: ranks must be consecutive"],
        ),
        ([(3, "1;x;0.7;3")], ["line 3: class id 'x' is none of the label set"]),
        ([(3, "1;c2;nan;3")], ["line 3: 'nan' is no probability between 0 and 1"]),
        ([(3, "1;c2;1.01;3")], ["line 3: '1.01' is no probability between 0 and 1"]),
        ([(3, "1;c2;0.7;2")], ["line 3: rank 2 stands twice", "line 4: ranks must be consecutive"]),
        ([(3, "1;c2;0.7;0")], ["line 3: rank '0' is no whole number from 1 to 100"]),
        ([(3, "1;c1;0.7;3")], ["line 3: class 'c1' stands again for recording 1 (before: line 2)"]),
        ([(3, "1;c2;0.85;3")], ["line 3: probability 0.85 is larger than the one before"]),
        (
            [(1, "1;c0;2;1"), (6, "2;y;0.8;2"), (12, "")],
            ["line 1: '2' is no", "line 6: class id 'y'", "line 12: 1 field instead of 4"],
        ),
    ],
)
def test_every_fault_of_a_monophone_file_is_told_by_line(tmp_path, changes, expected):
    faults = faults_of(tmp_path, changed(MONO, *changes))
    by_line = [fault for fault in faults if fault.startswith("line")]
    assert len(by_line) == len(expected), faults
    for fault, start in zip(by_line, expected):
        assert fault.startswith(start), faults


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1;00:00:03-00:00:08;c2;0.7", "is off the grid of 5 seconds"),
        ("1;00:00:00-00:00:10;c2;0.7", "lasts 10 seconds instead of 5"),
        ("1;00:00:00;c2;0.7", "is not two times"),
        ("1;0-5;c2;0.7", "'0' is no time of the form hh:mm:ss"),
        ("1;00:00:55-00:00:60;c2;0.7", "'00:00:60' is no time of the form hh:mm:ss"),
        ("1;00:00:00-00:00:05;c1;0.7", "class 'c1' stands again for window 1 00:00:00-00:00:05"),
    ],
)
def test_every_fault_of_a_soundscape_file_is_told_by_line(tmp_path, line, expected):
    faults = faults_of(tmp_path, changed(SCAPE, (3, line)), "soundscape")
    assert faults[0].startswith("line 3: ") and expected in faults[0]


def test_items_that_are_missing_or_too_short_are_told(tmp_path):
    assert faults_of(tmp_path, MONO[:4] + MONO[8:]) == ["recording 2 is missing"]
    assert faults_of(tmp_path, MONO[:7] + MONO[8:]) == ["recording 2 has 3 lines instead of 4"]
    assert faults_of(tmp_path, SCAPE[4:], "soundscape") == ["window 1 00:00:00-00:00:05 is missing"]
    beyond = [line.replace("2;00:00:00-00:00:05", "2;00:00:05-00:00:10") for line in SCAPE]
    assert faults_of(tmp_path, beyond, "soundscape") == [
        "window 2 00:00:00-00:00:05 is missing",
        "window 2 00:00:05-00:00:10 lies beyond the end of the recording",
    ]
    assert "the file is empty" in faults_of(tmp_path, [])


def test_more_than_100_classes_in_a_window_are_told_once_for_all_lines(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("".join(f"1;00:00:00-00:00:05;c{i};0.1\n" for i in range(120)))
    _, faults = read_submission(path, "soundscape")
    assert [str(f) for f in faults] == [
        "lines 101-120: more than 100 classes for window 1 00:00:00-00:00:05"
    ]


def test_the_same_fault_in_many_lines_is_one_line_of_text(tmp_path):
    faults = faults_of(tmp_path, [line.replace(";", ",") for line in MONO])
    assert faults[0].startswith("lines 1-12: 1 field instead of 4: media id;class id;")


def test_files_that_are_no_submissions(tmp_path):
    with pytest.raises(UserError, match="no file"):
        read_submission(tmp_path / "none.csv", "mono")
    (tmp_path / "text.csv").write_text("hello\nworld\n")
    with pytest.raises(UserError, match="looks like neither kind"):
        detect_task(tmp_path / "text.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 10)
    assert read_submission(tmp_path / "binary.csv", "mono")[1]
