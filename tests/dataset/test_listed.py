"""Lists of validation recordings: whole names decide."""

import pytest

from birdml.dataset.listed import read_list, recordings_listed
from birdml.dataset.raw import RawRecording
from birdml.errors import UserError

NAMES = ["a/1.wav", "b/1.wav", "a/x, y.wav", "a/#7.wav", "a/z;1.wav", "2014/LIFECLEF_RN5.wav"]


def listed(*lines, names=NAMES):
    problems = []
    recordings = [RawRecording(name, name, audio_name=f"raw/{name}") for name in names]
    return recordings_listed(lines, recordings, problems), problems


@pytest.mark.parametrize("line", ["a/1.wav", "a/1", "raw/a/1.wav", "./a/1.wav", "a\\1.wav", "A/1"])
def test_a_whole_name_means_one_recording(line):
    assert listed(line) == ({"a/1.wav"}, [])


def test_a_name_that_fits_two_recordings_means_both_and_that_is_listed():
    found, problems = listed("1.wav")
    assert found == {"a/1.wav", "b/1.wav"}
    assert "fits several recordings, all are taken: a/1.wav, b/1.wav" in problems[0].done


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("a/x, y.wav", "a/x, y.wav"),
        ("a/z;1.wav", "a/z;1.wav"),
        ("#7.wav", "a/#7.wav"),
        ("LIFECLEF_RN5", "2014/LIFECLEF_RN5.wav"),
        ("LIFECLEF_RN5.wav\tabc\t7", "2014/LIFECLEF_RN5.wav"),
        ("/data/2014/LIFECLEF_RN5.wav;3", "2014/LIFECLEF_RN5.wav"),
    ],
)
def test_marks_within_names_and_columns_behind_them(line, name):
    assert listed(line) == ({name}, [])


def test_comments_are_passed_over_and_other_lines_listed():
    found, problems = listed("# my list", "a/1.wav", "nowhere.wav")
    assert found == {"a/1.wav"}
    assert [(p.file, p.done) for p in problems] == [
        ("nowhere.wav", "left out: listed, but not there")
    ]


def test_the_same_letters_in_another_form_are_the_same_name():
    assert listed("a/vela\u0301.wav", names=["a/vel\u00e1.wav"])[0] == {"a/vel\u00e1.wav"}


def test_a_list_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(UserError, match="cannot read the list"):
        read_list(tmp_path)
    (tmp_path / "l").write_bytes(b"\xef\xbb\xbfa.wav\r\n\r\nb.wav")
    assert read_list(tmp_path / "l") == ["a.wav", "b.wav"]
