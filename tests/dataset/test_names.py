"""One spelling of each species, and names that name none."""

import unicodedata

import pytest

from birdml.dataset.names import (
    LatinName,
    latin_name,
    means_nothing,
    names_no_species,
    one_spelling,
)
from birdml.dataset.raw import RawRecording


@pytest.mark.parametrize(
    "text",
    [
        "Turdus merula",
        "turdus merula",
        "TURDUS MERULA",
        " Turdus  merula ",
        "Turdus_merula",
        "Turdus merula Linnaeus, 1758",
        "Turdus merula (Linnaeus, 1758)",
        "Turdus (Turdus) merula",
        "Turdus merula_Eurasian Blackbird",
        "Eurasian Blackbird - Turdus merula",
        "Turdus merula - Amsel",
    ],
)
def test_spellings_of_one_latin_name(text):
    assert latin_name(text) == LatinName("Turdus merula")


@pytest.mark.parametrize("text", ["Turdus merula merula", "Turdus merula ssp. merula"])
def test_a_subspecies_is_told_from_an_author(text):
    assert latin_name(text) == LatinName("Turdus merula", "merula")
    assert latin_name("Turdus merula de Souza") == LatinName("Turdus merula")


@pytest.mark.parametrize("text", ["Great Tit", "houspa", "abc1", "Turdus", "Turdus sp.", "", "_"])
def test_what_is_no_latin_name(text):
    assert latin_name(text) is None


@pytest.mark.parametrize(
    "text", ["Mystery mystery", "Turdus sp.", "Turdus spec", "NA", "nan", "_", "", "?", "unknown"]
)
def test_what_names_no_species(text):
    assert names_no_species(text)


@pytest.mark.parametrize("text", ["noise", "NoClass", "no call", "nocall", "None", "background"])
def test_labels_of_nothing(text):
    assert means_nothing(text)


@pytest.mark.parametrize("text", ["Turdus merula", "houspa", "12", "Noisy Miner", "Sonora"])
def test_names_of_species_are_neither(text):
    assert not names_no_species(text) and not means_nothing(text)


def spelled(*names, background=()):
    recordings = [
        RawRecording(f"{n}", f"{n}", latin=name, background=background)
        for n, name in enumerate(names)
    ]
    problems = []
    one_spelling(recordings, problems)
    return recordings, problems


def test_every_spelling_that_is_changed_is_listed():
    recordings, problems = spelled("Pica pica", "pica pica", "Pica pica Linnaeus", "Parus major")
    assert [r.latin for r in recordings] == ["Pica pica"] * 3 + ["Parus major"]
    assert {p.old for p in problems} == {"pica pica", "Pica pica Linnaeus"}


def test_a_subspecies_is_its_species_only_where_that_is_there():
    assert {r.latin for r in spelled("Pica pica", "Pica pica bactriana")[0]} == {"Pica pica"}
    alone, problems = spelled("Pica pica bactriana", "Pica pica melanotos")
    assert len({r.latin for r in alone}) == 2 and not problems


def test_the_background_is_spelled_as_the_foreground_is():
    recordings, _ = spelled("Pica pica", background=("PICA PICA", "Parus major Linnaeus, 1758"))
    assert recordings[0].background == ("Pica pica", "Parus major")


def test_decomposed_letters_are_composed_and_marks_are_kept():
    name = "Xolmis vel\u00e1tus"
    recordings, _ = spelled(name, unicodedata.normalize("NFD", name), "Xolmis velatus")
    assert {r.latin for r in recordings} == {name, "Xolmis velatus"}


def test_class_ids_that_differ_in_case_and_blanks_are_one_and_that_is_said():
    recordings = [
        RawRecording(str(n), str(n), class_id=name)
        for n, name in enumerate(["a b", "a b", "A_b", "ab"])
    ]
    problems = []
    one_spelling(recordings, problems)
    assert [r.class_id for r in recordings] == ["a b", "a b", "a b", "ab"]
    assert [p.old for p in problems] == ["A_b"]


def test_a_class_id_of_its_own_is_left_as_it_is():
    recordings = [RawRecording("1", "1", class_id="black_bird")]
    one_spelling(recordings, [])
    assert recordings[0].class_id == "black_bird"
