"""Entries of encoders: read strictly, every fault told."""

import pytest

from birdml.encoders.entries import find_encoder, read_encoders
from birdml.errors import UserError
from tests.encoders.made_up import ENTRY

DIGESTS = {"sha256": "0" * 64, "labels_sha256": "1" * 64}


def write(path, text):
    path.write_text(text)
    return path


def test_ours_are_whole_and_say_their_licence():
    birdnet = read_encoders()["birdnet24"]
    assert birdnet.samples == 144_000 and birdnet.dimension == 1024
    assert birdnet.weights_licence == "CC BY-NC-SA 4.0"


def test_files_of_a_user_lie_beside_the_entry(tmp_path):
    path = write(tmp_path / "mine.toml", ENTRY.format(**DIGESTS))
    found = find_encoder("tiny", path)
    assert found.file == str(tmp_path / "tiny.onnx") and found.labels == str(tmp_path / "tiny.txt")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rate = 8000", "rate = '8000'", "rate: Input should be a valid integer"),
        ("rate = 8000", "rate = 8000\nspeed = 1", "speed: Extra inputs are not permitted"),
        ("hop = 0.5", "hop = 0.6", "hop is longer than window"),
        ("hop = 0.5", "hop = 0", "hop: Input should be greater than 0"),
        ("hop = 0.5", "hop = nan", "hop: Input should be"),
        ('embedding = "features"', "", "embedding is missing"),
        ('logits = "scores"', "", "labels and logits belong together"),
        ('labels = "tiny.txt"', "", "labels and labels_sha256 belong together"),
        ('runtime = "onnx"', 'runtime = "torch"', "runtime: Input should be 'litert' or 'onnx'"),
        ('weights_licence = "CC0-1.0"', "", "weights_licence: Field required"),
        ("[tiny]", '["../tiny"]', "name: String should match"),
        ("[tiny]", "tiny = 3\n[other]", "[tiny] an encoder is a table"),
        ("[tiny]", "[tiny", "is broken"),
    ],
)
def test_a_faulty_entry_is_told_in_one_line(tmp_path, old, new, said):
    text = ENTRY.format(**DIGESTS)
    assert old in text
    path = write(tmp_path / "mine.toml", text.replace(old, new))
    with pytest.raises(UserError) as raised:
        read_encoders(path)
    assert said in str(raised.value) and "mine.toml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_all_faults_are_told(tmp_path):
    text = ENTRY.format(**DIGESTS).replace("rate = 8000", "").replace('title = "Tiny"', "")
    with pytest.raises(UserError, match=r"title: Field required; \[tiny\] rate: Field required"):
        read_encoders(write(tmp_path / "mine.toml", text))


def test_names_are_found_suggested_and_not_taken_twice(tmp_path):
    with pytest.raises(UserError, match="no encoder is named 'birdnet'; did you mean 'birdnet24'"):
        find_encoder("birdnet")
    again = ENTRY.format(**DIGESTS).replace("[tiny]", "[birdnet24]")
    with pytest.raises(UserError, match="birdnet24 is there already"):
        find_encoder("birdnet24", write(tmp_path / "mine.toml", again))
    with pytest.raises(UserError, match="is missing"):
        find_encoder("tiny", tmp_path / "nowhere.toml")
