import re

import pytest

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import Recording, Species
from birdml.errors import UserError
from birdml.submission.checker import read_submission
from birdml.submission.files import window_code
from birdml.submission.lines import detect_task
from birdml.submission.official import monophone_scores, soundscape_scores
from birdml.submission.truth import dataset_truth, read_truth
from tests.golden import golden_folder, load_json


def true_map(path, truth, classes):
    """Mean average precision by its definition, counted line by line."""
    rank = {}
    for line in path.read_text().splitlines():
        media, class_id, _, place = line.split(";")
        rank[media, class_id] = int(place)
    each = []
    for media, foreground in truth.foreground.items():
        right = {foreground, *(b for b in truth.background[media] if b in classes)}
        found = sorted(rank[media, c] for c in right if (media, c) in rank)
        each.append(sum((n + 1) / place for n, place in enumerate(found)) / len(right))
    return sum(each) / len(each)


def official_files():
    """(name, what the organisers say, truth, label set) of every file they were run on."""
    folder = golden_folder() / "official_scores"
    classes = (folder / "allowed_classes.txt").read_text().split()
    answers = {k: v for k, v in load_json("official_scores/official.json").items() if "." in k}
    assert answers
    for name, answer in answers.items():
        task = "mono" if name.startswith("mono") else "soundscape"
        yield folder / name, answer, read_truth(folder / f"{task}_truth.csv"), classes, task


def test_golden_official_scores_are_equal():
    compared = 0
    for path, answer, truth, classes, task in official_files():
        if "error" in answer:
            continue
        assert detect_task(path) == task
        submission, faults = read_submission(path, task, truth.media_ids, classes)
        assert faults == [], path.name
        if task == "mono":
            scores = monophone_scores(submission, truth, classes)
            ours = (scores.mrr, scores.map_organisers)
            assert scores.map == pytest.approx(true_map(path, truth, classes), abs=1e-12)
        else:
            scores = soundscape_scores(submission, truth)
            ours = (scores.c_map, scores.r_map)
        assert ours == pytest.approx((answer["score"], answer["score_secondary"]), abs=1e-12)
        compared += 1
    assert compared


def test_golden_files_that_the_organisers_refuse_are_refused_at_the_same_line():
    compared = 0
    for path, answer, truth, classes, task in official_files():
        if "error" not in answer:
            continue
        assert detect_task(path) == task
        _, faults = read_submission(path, task, truth.media_ids, classes)
        line = int(re.search(r"Line nbr (\d+)", answer["error"]).group(1))
        assert any(fault.first <= line <= fault.last for fault in faults), path.name
        assert len(faults) <= 2, [str(fault) for fault in faults]
        compared += 1
    assert compared


def test_golden_soundscape_truth_counts_for_the_same_windows():
    truth = read_truth(golden_folder() / "official_scores" / "soundscape_truth.csv")
    theirs = load_json("official_scores/official.json")["soundscape_truth_windows"]
    ours = {
        f"{media}_{window_code(start)}": sorted(present)
        for (media, start), present in truth.windows.items()
    }
    assert ours == theirs


def scored(tmp_path, truth_lines, lines, task="mono", classes=None):
    (tmp_path / "truth.csv").write_text("".join(f"{line}\n" for line in truth_lines))
    (tmp_path / "ours.csv").write_text("".join(f"{line}\n" for line in lines))
    truth = read_truth(tmp_path / "truth.csv")
    submission, faults = read_submission(tmp_path / "ours.csv", task, truth.media_ids, classes)
    assert not faults
    if task == "mono":
        return monophone_scores(submission, truth, classes)
    return soundscape_scores(submission, truth)


def test_monophone_scores_by_hand(tmp_path):
    scores = scored(
        tmp_path,
        ["1;a;", "2;b;a,nowhere", "3;a;b"],
        ["1;a;0.9;1", "1;b;0.1;2", "2;c;0.5;1", "2;a;0.4;2", "2;b;0.3;3"],
        classes={"a", "b", "c"},
    )
    assert scores.mrr == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert scores.map == pytest.approx((1 + (1 / 2 + 2 / 3) / 2 + 0) / 3)
    assert scores.missing == ("3",)
    assert scores.species == [
        {"class_id": "a", "recordings": 2, "mrr": 0.5, "top1": 0.5, "top5": 0.5},
        {"class_id": "b", "recordings": 1, "mrr": 1 / 3, "top1": 0.0, "top5": 1.0},
    ]


def test_the_fault_of_the_organisers_shows_beside_the_right_value(tmp_path):
    # ranks 5 and 8: a set gives 8 first, and counts 1/8 + 2/5 instead of 1/5 + 2/8
    lines = [f"1;c{rank};{1 - rank / 100};{rank}" for rank in range(1, 10)]
    scores = scored(tmp_path, ["1;c5;c8"], lines)
    assert scores.map == pytest.approx((1 / 5 + 2 / 8) / 2)
    assert scores.map_organisers == pytest.approx((1 / 8 + 2 / 5) / 2)


def test_soundscape_scores_by_hand(tmp_path):
    scores = scored(
        tmp_path,
        ["7;a;00:00:03-00:00:06", "7;b;00:00:05-00:00:10", "7;z;00:00:20-00:00:21"],
        [
            "7;00:00:00-00:00:05;b;0.9",
            "7;00:00:00-00:00:05;a;0.8",
            "7;00:00:05-00:00:10;b;0.9",  # as probable as the wrong one: counted before it
            "7;00:00:05-00:00:10;a;0.3",
        ],
        task="soundscape",
    )
    assert scores.c_map == pytest.approx((1 + 1 + 0) / 3)
    assert scores.r_map == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert (scores.windows, scores.missing) == (3, 1)


def test_a_truth_of_neither_format_names_its_lines(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text("1;a;\n2;b\n1;c;\n")
    with pytest.raises(UserError, match=r"line 2: not .*line 3: recording 1 stands twice"):
        read_truth(path)
    path.write_text("1;a;00:00:00-00:00:02\n1;a;00:00:00-00:00:02\n1;a;noon\n")
    with pytest.raises(UserError, match="line 3: not 'media id;class;hh:mm:ss-hh:mm:ss'"):
        read_truth(path)


MONO, SCAPE = "1;a;b", "7;a;00:00:00-00:00:05"
FAULTY = [
    ([SCAPE, "7;a;00:00:04-00:00:00"], "line 2: .*before it begins"),
    ([SCAPE, "7;a;00:00:00-9999:00:00"], "line 2: .*24 hours"),
    ([SCAPE, "7;a;00:00:00-99999999999999:00:00"], "line 2: not"),
    ([SCAPE, "7;a;00:00:00-00:00:61"], "line 2: not"),
    ([SCAPE, "7;z;00:00:05-00:00:06"], "line 2: class id 'z' is none"),
    (["media id;class;interval", SCAPE, SCAPE], "line 1: not"),
    (["media id;foreground;background", MONO], "line 1: a heading"),
    ([MONO, "2 a b"], "line 2: not"),
    ([MONO, "2;z;"], "line 2: class id 'z' is none"),
    ([MONO, "2;a;b c"], "line 2: class id 'b c' holds a blank"),
    ([MONO, "2;a;b,,c"], "line 2: the class id is empty"),
    ([MONO, ";a;"], "line 2: the media id is empty"),
    ([MONO, "2;;"], "line 2: the class id is empty"),
    ([MONO, "2;a\0;"], "line 2: .*not text"),
    (["1;a;bb", "2;a;cc"], "line 1: none of the background classes"),
]


@pytest.mark.parametrize(("lines", "message"), FAULTY)
def test_a_faulty_truth_is_refused_with_the_line(tmp_path, lines, message):
    path = tmp_path / "truth.csv"
    path.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(UserError, match=message):
        read_truth(path, {"a", "b", "c"})


def test_messages_about_a_truth_are_cut(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text("".join(f"{n};{n}{'x' * 70_000} y;\n" for n in range(50)))
    with pytest.raises(UserError, match=r"characters.*and \d+ more") as error:
        read_truth(path)
    assert len(str(error.value)) < 5000


def test_background_classes_that_the_organisers_drop_are_no_fault(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text("1;a;b,nowhere\n2;a;nowhere\n")
    assert read_truth(path, {"a", "b"}).background["1"] == ("b", "nowhere")


def test_equal_stems_in_a_dataset_are_two_recordings_of_its_truth(tmp_path):
    recordings = (Recording("a/2.wav", "valid", "a"), Recording("b/2.wav", "valid", "b"))
    dataset = Dataset(tmp_path, "d", "0", (Species("a"), Species("b")), recordings)
    assert dataset_truth(dataset).foreground == {"a/2": "a", "b/2": "b"}


def test_truth_of_a_prepared_dataset(tmp_path):
    recordings = (
        Recording("2014/X_RN5.wav", "valid", species="a", background=("b",)),
        Recording("2014/X_RN6.wav", "train", species="b"),
        Recording("2014/X_RN7.wav", "test"),
    )
    dataset = Dataset(tmp_path, "d", "0", (Species("a"), Species("b")), recordings)
    truth = dataset_truth(dataset)
    assert (truth.foreground, truth.background) == ({"5": "a"}, {"5": ("b",)})
    with pytest.raises(UserError, match="no species of its split test"):
        dataset_truth(dataset, "test")
