from dataclasses import dataclass

import numpy as np
import pytest

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE, Recording, Species
from birdml.errors import UserError
from birdml.submission.making import check_label_set, make_submission, splits_of

SPECIES = (Species("a", "A a", ("2014",)), Species("b", "B b", ("2015",)), Species("c", "C c"))


@dataclass
class Logits:
    files: list
    starts: np.ndarray | None
    logits: np.ndarray


def dataset(folder, *more):
    recordings = (
        Recording("t/X_RN1.wav", "test", media_id="1", edition="2014", samples=SAMPLE_RATE),
        Recording("t/X_RN2.wav", "test", media_id="2", edition="2018", samples=2205),
        Recording("s/X_RN3.wav", "soundscapes_val", samples=12 * SAMPLE_RATE),
        *more,
    )
    return Dataset(folder, "d", "0", SPECIES, recordings)


def predict(split):
    if split == "test":
        return Logits(["t/X_RN1.wav", "t/X_RN2.wav"], None, np.tile(np.float32([1, 3, 2]), (2, 1)))
    return Logits(["s/X_RN3.wav"] * 3, np.array([0.0, 5, 10]), np.eye(3, dtype=np.float32))


def test_both_kinds_of_files_are_written_checked_and_the_same_again(tmp_path):
    written = make_submission(tmp_path / "a", dataset(tmp_path), "all", predict, max_classes=2)
    again = make_submission(tmp_path / "b", dataset(tmp_path), "all", predict, max_classes=2)
    assert [(w.path.name, w.items, w.lines) for w in written] == [
        ("mono.csv", 2, 4),
        ("soundscape_val.csv", 3, 6),
    ]
    assert [w.path.read_bytes() for w in written] == [w.path.read_bytes() for w in again]
    lines = [line.split(";") for line in written[0].path.read_text().splitlines()]
    assert [[m, c, r] for m, c, _, r in lines] == [
        ["1", "b", "1"],
        ["1", "c", "2"],
        ["2", "b", "1"],
        ["2", "c", "2"],
    ]
    expected = np.exp([3, 2]) / np.exp([1, 3, 2]).sum()
    assert [float(p) for _, _, p, _ in lines[:2]] == pytest.approx(expected, abs=1e-7)
    assert "3;00:00:10-00:00:15;c;" in written[1].path.read_text()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["mono.csv", "soundscape_val.csv"]


def test_the_edition_filter_changes_only_recordings_of_an_edition_with_a_label_set(tmp_path):
    data = dataset(tmp_path)
    (written,) = make_submission(tmp_path, data, "mono", predict, edition_filter=True)
    lines = [line.split(";")[:2] for line in written.path.read_text().splitlines()]
    assert lines == [["1", "a"], ["1", "b"], ["1", "c"], ["2", "b"], ["2", "c"], ["2", "a"]]
    assert written.unfiltered == 1


def test_a_task_is_about_the_splits_that_are_there(tmp_path):
    assert splits_of(dataset(tmp_path), "mono") == ["test"]
    assert splits_of(dataset(tmp_path), "soundscape") == ["soundscapes_val"]
    empty = Dataset(tmp_path, "d", "0", SPECIES, (Recording("x.wav", "train", "a"),))
    with pytest.raises(UserError, match="no recordings in test"):
        splits_of(empty, "mono")
    with pytest.raises(UserError, match="all, mono, soundscape"):
        splits_of(empty, "both")


def test_ids_that_are_doubled_or_cannot_be_written_are_named(tmp_path):
    twice = dataset(tmp_path, Recording("u/X_RN1.wav", "test"))
    with pytest.raises(UserError, match=r"'1' \(2 times\)"):
        make_submission(tmp_path, twice, "mono", predict)
    odd = dataset(tmp_path, Recording("u/y.wav", "test", media_id="7;8"))
    with pytest.raises(UserError, match="'7;8'"):
        make_submission(tmp_path, odd, "mono", predict)
    assert not list(tmp_path.glob("*.csv"))


def test_names_are_judged_before_anything_is_predicted(tmp_path):
    odd = dataset(tmp_path, Recording("s/y.wav", "soundscapes_val", media_id="7;8"))
    asked = []
    with pytest.raises(UserError, match="'7;8'"):
        make_submission(tmp_path, odd, "all", asked.append)
    assert asked == []


def test_options_are_judged_before_anything_is_predicted(tmp_path):
    def never(split):
        raise AssertionError("predicted")

    for wrong in ({"max_classes": 200}, {"kind": "logit"}):
        with pytest.raises(UserError):
            make_submission(tmp_path, dataset(tmp_path), "mono", never, **wrong)


def test_a_file_with_faults_is_never_left(tmp_path):
    def incomplete(split):
        whole = predict(split)
        return Logits(whole.files[:1], None, whole.logits[:1])

    with pytest.raises(RuntimeError, match="recording 2 is missing"):
        make_submission(tmp_path, dataset(tmp_path), "mono", incomplete)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_file_is_told_before_anything_is_predicted(tmp_path):
    def never(split):
        raise AssertionError("predicted")

    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        make_submission(tmp_path / "file", dataset(tmp_path), "mono", never)


def test_a_model_of_another_label_set_is_refused(tmp_path):
    check_label_set(("a", "b", "c"), dataset(tmp_path), "m")
    with pytest.raises(UserError, match=r"m was trained on other.*1 of its 2 species.*2 of the 3"):
        check_label_set(("a", "z"), dataset(tmp_path), "m", "other")
    with pytest.raises(UserError, match="order"):
        check_label_set(("b", "a", "c"), dataset(tmp_path), "m")
