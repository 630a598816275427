import numpy as np
import pytest

from birdml.annotations.pairing import paired
from birdml.dataset.recording import Species
from birdml.errors import UserError
from tests.annotations.made import marks

A, B, C = ("Parus major",), ("Pica pica",), ("Turdus merula",)


def rows(m):
    return [tuple(r) for r in np.stack([m.file, m.species, m.start, m.end], 1).tolist()]


def test_recordings_and_species_meet_whatever_their_order():
    truth = marks([(0, 0, 0, 1), (1, 1, 2, 3)], ("x/a.wav", "x/b.wav"), (A, B))
    found = marks([(0, 0, 2, 3, 0.5), (1, 1, 0, 1, 0.4)], ("b", "a"), (B, A))
    pair = paired(truth, found)
    assert pair.files == ("x/a.wav", "x/b.wav")
    assert pair.called == ("Parus major", "Pica pica")
    assert rows(pair.truth) == rows(pair.detections) == [(0, 0, 0, 1), (1, 1, 2, 3)]
    assert pair.detections.score.tolist() == [0.4, 0.5]
    assert pair.seconds.tolist() == [1, 3]


def test_several_tables_of_one_recording_are_joined_and_doubles_count_once():
    truth = marks([(0, 0, 0, 1), (1, 0, 0, 1.0001), (1, 0, 0, 2)], ("a.wav", "site/a.wav"), (A,))
    found = marks([(0, 0, 0, 1, 0.2), (0, 0, 0, 1, 0.7)], ("a",), (A,))
    pair = paired(truth, found)
    assert pair.files == ("site/a.wav",)
    assert rows(pair.truth) == [(0, 0, 0, 1), (0, 0, 0, 2)]
    assert pair.detections.score.tolist() == [0.7]
    assert any("1 marks of the truth stand twice" in note for note in pair.notes)


def test_what_has_no_counterpart_is_noted_with_counts():
    truth = marks([(0, 0, 0, 1), (1, 0, 0, 1)], ("a", "b"), (A,))
    found = marks([(0, 0, 0, 1), (1, 0, 0, 1), (1, 0, 3, 4), (0, 1, 0, 1)], ("a", "c"), (A, B))
    pair = paired(truth, found)
    notes = "\n".join(pair.notes)
    assert "1 recordings of the detections are not in the truth" in notes and "c (2)" in notes
    assert "1 recordings of the truth have no detections" in notes and "b (1)" in notes
    assert "1 detected species are never marked" in notes and "Pica pica (1)" in notes
    assert "how long the recordings are is not known" in notes


def test_names_outside_the_label_set_are_noted_and_not_counted():
    truth = marks([(0, 0, 0, 1), (0, 2, 0, 1), (0, 2, 1, 2)], ("a",), (A, B, C))
    found = marks([(0, 0, 0, 1), (0, 1, 0, 1)], ("a",), (A, B))
    pair = paired(truth, found, [Species("gretit1", "Parus major")])
    assert pair.called == ("gretit1",) and pair.shown == ("Parus major",)
    assert (len(pair.truth), len(pair.detections)) == (1, 1)
    notes = "\n".join(pair.notes)
    assert "2 marks of the truth name no species that the label set knows" in notes
    assert "Turdus merula (2)" in notes and "Pica pica (1)" in notes


def test_times_beyond_the_recording_are_cut_or_left_out_and_noted():
    truth = marks([(0, 0, 0, 5), (0, 0, 9, 12), (0, 0, 11, 12)], ("a.wav",), (A,))
    pair = paired(truth, truth, seconds={"/data/a.flac": 10.0})
    assert rows(pair.truth) == [(0, 0, 0, 5), (0, 0, 9, 10)]
    assert pair.seconds.tolist() == [10.0]
    notes = "\n".join(pair.notes)
    assert "1 marks of the truth begin behind the end" in notes
    assert "1 marks of the detections are cut at the end" in notes


def test_tables_of_recordings_that_are_not_there_are_noted():
    truth = marks([(0, 0, 0, 5), (1, 0, 0, 5)], ("a.wav", "b.wav"), (A,))
    pair = paired(truth, truth, seconds={"a.wav": 10.0})
    assert any(
        "1 recordings of the truth are not there" in n and "'b.wav'" in n for n in pair.notes
    )
    assert pair.seconds.tolist() == [10.0, 5.0]


def test_a_name_that_fits_several_recordings_is_not_guessed():
    truth = marks([(0, 0, 0, 5), (1, 0, 0, 5), (2, 0, 0, 5)], ("n/a.wav", "s/a.wav", "b"), (A,))
    found = marks([(0, 0, 0, 5), (1, 0, 0, 5)], ("a.wav", "b.wav"), (A,))
    pair = paired(truth, found)
    assert rows(pair.detections) == [(2, 0, 0, 5)]
    assert any(
        "'a.wav' are not counted: it may be any of 'n/a.wav', 's/a.wav'" in n for n in pair.notes
    )


def test_no_recording_or_no_species_in_common_shows_both_sides():
    truth = marks([(0, 0, 0, 1)], ("a.wav",), (A,))
    with pytest.raises(UserError, match=r"detections are about 'z\.wav'; the truth about 'a\.wav'"):
        paired(truth, marks([(0, 0, 0, 1)], ("z.wav",), (A,)))
    with pytest.raises(UserError, match=r"detections name 'Elster'; the truth 'Parus major'"):
        paired(truth, marks([(0, 0, 0, 1)], ("a.wav",), (("Elster",),)))
    pair = paired(
        truth, marks([(0, 0, 0, 1)], ("a.wav",), (("Meise",),)), (), {"meise": "Parus major"}
    )
    assert len(pair.detections) == 1


@pytest.mark.parametrize("side", ["truth", "detections"])
def test_a_side_without_marks_is_refused(side):
    some, none = marks([(0, 0, 0, 1)]), marks([])
    with pytest.raises(UserError, match=f"the {side} hold no marks"):
        paired(*((none, some) if side == "truth" else (some, none)))
