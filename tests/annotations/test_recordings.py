import pytest

from birdml.annotations.recordings import match, recording_of, same


@pytest.mark.parametrize(
    ("table", "recording"),
    [
        ("site/rec.Table.1.selections.txt", "site/rec"),
        ("rec.selections.txt", "rec"),
        ("rec.BirdNET.selection.table.txt", "rec"),
        ("rec.BirdNET.results.csv", "rec"),
        ("rec.BirdNET.results.kaleidoscope.csv", "rec"),
        ("rec_2018.05.01.txt", "rec_2018.05.01"),
        ("rec.wav.csv", "rec.wav"),
        ("labels.txt", "labels"),
    ],
)
def test_the_name_of_a_table_tells_the_recording(table, recording):
    assert recording_of(table) == recording


def test_names_of_one_side_that_mean_the_same():
    names = ["a.wav", "Site/A.flac", "site/b.wav", "other/b.wav", "b", "c.wav", "./c"]
    assert same(names) == [1, 1, 2, 3, 4, 5, 5]


def test_names_of_other_machines_meet_by_their_ends():
    known = ["/data/north/rec1.wav", "/data/south/rec1.wav", "solo.wav"]
    names = ["C:\\x\\north\\rec1.WAV", "south/rec1", "/mnt/y/solo.flac", "rec1", "none"]
    places, several = match(names, known)
    assert places == [0, 1, 2, -1, -1]
    assert several == {"rec1": known[:2]}


def test_another_folder_is_another_recording_where_names_repeat():
    assert match(["/m/a/rec.wav", "/m/b/rec.wav"], ["/d/c/rec.wav"])[0] == [-1, -1]
    assert match(["/m/a/rec.wav"], ["/d/c/rec.wav"])[0] == [0]
