"""Which audio file belongs to which row."""

import pytest

from birdml.dataset.sources.sounds import Sounds


def matched(tmp_path, files, rows):
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    sounds = Sounds([tmp_path / file for file in files], tmp_path)
    names, ids, class_ids = zip(*rows)
    found = sounds.of_rows(names, ids, class_ids)
    return [
        s.path.relative_to(tmp_path).as_posix() if s.path else s.reason for s in found
    ], sounds.unused()


def test_the_file_of_another_folder_is_not_taken(tmp_path):
    found, unused = matched(
        tmp_path, ["bee/1.wav"], [("ant/1.wav", "", "ant"), ("bee/1.wav", "", "bee")]
    )
    assert found == ["no audio: there is no such file", "bee/1.wav"]
    assert not unused


def test_a_file_is_claimed_by_the_row_that_names_it_best(tmp_path):
    found, _ = matched(tmp_path, ["b/1.wav"], [("1.wav", "", ""), ("b/1.wav", "", "")])
    assert found[1] == "b/1.wav"
    assert "belongs to another row" in found[0]


def test_a_file_that_two_rows_name_alike_is_given_to_none(tmp_path):
    found, unused = matched(tmp_path, ["1.wav"], [("1.wav", "7", ""), ("1.wav", "8", "")])
    assert found == ["no audio: 2 rows name 1.wav alike"] * 2
    assert unused == ["1.wav"]


def test_a_name_that_fits_several_files_takes_none_unless_the_class_tells(tmp_path):
    files = ["a/1.wav", "b/1.wav"]
    found, _ = matched(tmp_path, files, [("1.wav", "", ""), ("1.wav", "", "b")])
    assert found == ["no audio: several files fit: a/1.wav, b/1.wav", "b/1.wav"]


@pytest.mark.parametrize(
    ("file", "own_id"),
    [
        ("XC11-Jay call.wav", "11"),
        ("XC11 - Common Blackbird - Turdus merula.mp3", "XC11"),
        ("xc11.wav", "11"),
        ("11.wav", "XC11"),
        ("Turdus-merula-11.wav", "11"),
        ("songs/abc.wav", "abc"),
    ],
)
def test_audio_is_found_by_the_id_in_its_name(tmp_path, file, own_id):
    assert matched(tmp_path, [file, "XC111.wav"], [("", own_id, "")])[0] == [file]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a/Song.WAV", "a/song.wav"),
        ("a/song.mp3", "song.wav"),
        ("a/vela\u0301.wav", "vel\u00e1.wav"),
        ("song.wav", "/home/me/data/song.wav"),
        ("a/song.wav", "a\\song.wav"),
    ],
)
def test_case_suffix_and_form_of_letters_do_not_matter(tmp_path, file, name):
    assert matched(tmp_path, [file], [(name, "", "")])[0] == [file]
