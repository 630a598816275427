import gzip
import io

import numpy as np
import pytest

from birdml.dataset.recording import Recording, Species
from birdml.errors import UserError
from birdml.submission.files import (
    media_id,
    media_ids,
    window_code,
    write_monophone,
    write_soundscape,
    written_whole,
)
from birdml.submission.probabilities import best, edition_classes, probabilities, rule_out
from tests.golden import golden_folder, load_json, load_npz


def option(options, name, default=None):
    return next((o.split("=")[1] for o in options if o.startswith(f"--{name}=")), default)


def test_golden_submission_files_are_equal_to_the_byte():
    arrays, about = load_npz("submit_csv.npz"), load_json("submit_csv.json")
    assert about["cases"]
    for case in about["cases"]:
        options = case["options"]
        # the 2018 script always ends in a sigmoid; --no-softmax leaves only that
        kind = "sigmoid" if "--no-softmax" in options else "2018"
        limit = int(option(options, "max-classes", 100))
        prefix = case["preds"]
        files = about[f"{prefix}_filelist"]
        logits = [np.atleast_2d(arrays[f"{prefix}{i}"]) for i in range(len(files))]
        ids = [media_id(Recording(file=f, split="test")) for f in files]
        ours = io.StringIO()
        if option(options, "mode") == "mono":
            write_monophone(ours, ids, np.concatenate(logits), about["labelset"], kind, limit)
        else:
            windows = [len(rows) for rows in logits]
            write_soundscape(
                ours,
                np.repeat(ids, windows).tolist(),
                np.concatenate([5.0 * np.arange(n) for n in windows]),
                np.concatenate(logits),
                about["labelset"],
                kind,
                limit,
            )
        theirs = gzip.decompress((golden_folder() / case["csv"]).read_bytes()).decode()
        assert ours.getvalue() == theirs, case["name"]


def test_all_kinds_of_probabilities_rank_alike():
    logits = np.random.default_rng(3).normal(size=(20, 30)).astype(np.float32)
    order = np.argsort(-logits, axis=1, kind="stable")
    for kind in ("softmax", "2018", "sigmoid"):
        values = np.take_along_axis(probabilities(logits, kind), order, axis=1)
        assert values.dtype == np.float32
        assert (np.diff(values, axis=1) <= 0).all()
        assert values.min() >= 0 and values.max() <= 1
    np.testing.assert_allclose(probabilities(logits).sum(axis=1), 1, rtol=1e-5)
    with pytest.raises(UserError, match="softmax, 2018, sigmoid"):
        probabilities(logits, "soft")


def test_equal_probabilities_keep_the_order_of_the_logits():
    file = io.StringIO()
    logits = np.array([[0, -200, -150, -200, -300]], np.float32)  # all but one underflow to 0
    write_monophone(file, ["7"], logits, list("abcde"))
    assert [line.split(";")[1] for line in file.getvalue().splitlines()] == list("acbde")


@pytest.mark.parametrize("levels", [2, 20, 10**6])
@pytest.mark.parametrize("count", [1, 9, 40, 100])
def test_the_order_is_that_of_a_stable_descending_sort(levels, count):
    rng = np.random.default_rng(4)
    logits = rng.integers(levels, size=(60, 40)).astype(np.float32)
    logits[:20][rng.random((20, 40)) < 0.5] = -np.inf
    expected = np.argsort(-logits, axis=1, kind="stable")[:, :count]
    found = [labels for _, labels, _ in best(logits, "softmax", count)]
    np.testing.assert_array_equal(found, expected)


SPECIES = [
    Species("a", editions=("2014", "2015")),
    Species("b", editions=("2015",)),
    Species("c", editions=("2017",)),
    Species("d", editions=("2014",)),
]


def test_the_edition_filter_puts_what_is_ruled_out_last_in_label_order():
    recordings = [
        Recording("x.wav", "test", edition=e) for e in ("2014", "2015", "2017", "2018", "")
    ]
    allowed = edition_classes(SPECIES, recordings)
    assert ["".join("abcd"[i] for i in np.flatnonzero(row)) for row in allowed] == [
        "ad",
        "ab",
        "c",
        "abcd",
        "abcd",
    ]
    logits = np.tile(np.array([1, 2, 3, 4], np.float32), (5, 1))
    file = io.StringIO()
    write_monophone(file, list("12345"), rule_out(logits, allowed), list("abcd"))
    lines = [line.split(";") for line in file.getvalue().splitlines()]
    orders = ["".join(c for m, c, _, _ in lines if m == media) for media in "12345"]
    assert orders == ["dabc", "bacd", "cabd", "dcba", "dcba"]
    assert {float(p) for m, c, p, _ in lines if m == "1" and c in "bc"} == {0.0}
    assert sum(float(p) for m, _, p, _ in lines if m == "1") == pytest.approx(1)


def test_a_file_gets_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "mono.csv"
    with pytest.raises(UserError, match="row 1"), written_whole(path) as file:
        write_monophone(file, ["1", "2"], np.array([[1, 2], [np.nan, 1]], np.float32), ["a", "b"])
    assert list(path.parent.iterdir()) == []
    with written_whole(path) as file:
        write_monophone(file, ["1"], np.array([[1, 2]], np.float32), ["a", "b"])
    assert [p.name for p in path.parent.iterdir()] == ["mono.csv"]


@pytest.mark.parametrize("limit", [0, 101])
def test_a_limit_outside_the_rules_is_refused(limit):
    with pytest.raises(UserError, match="1 to 100"):
        write_monophone(io.StringIO(), ["1"], np.zeros((1, 2)), ["a", "b"], max_classes=limit)


def test_media_ids_and_times():
    assert media_id(Recording("2014/X_RN10002.wav", "test")) == "10002"
    assert media_id(Recording("2014/X_RN10002.wav", "test", media_id="5")) == "5"
    assert media_id(Recording("a/song.wav", "test")) == "song"
    assert window_code(3595.0) == "00:59:55-01:00:00"


def test_equal_stems_in_two_folders_are_two_recordings():
    files = ["abc/1.wav", "abc/2.wav", "xyz/2.wav", "s/a.b.wav", "s/a.b.mp3"]
    assert media_ids([Recording(file, "valid") for file in files]) == {
        "abc/1.wav": "1",
        "abc/2.wav": "abc/2",
        "xyz/2.wav": "xyz/2",
        "s/a.b.wav": "s/a.b.wav",
        "s/a.b.mp3": "s/a.b.mp3",
    }
    for shared in ("a/x.wav", "a/y.wav"), ("a/X_RN1.wav", "b/X_RN1.wav"):
        given = "1" if "RN" not in shared[0] else ""
        with pytest.raises(UserError, match=r"'1' \(2 times\)"):
            media_ids([Recording(file, "valid", media_id=given) for file in shared])
