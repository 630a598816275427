"""Common names out of tables as people have them."""

import doctest

import pytest

from birdml.dataset import common_names
from birdml.dataset.common_names import read_common_names
from birdml.dataset.recording import Species
from birdml.errors import UserError

SPECIES = (
    Species("a", "Turdus merula"),
    Species("b", "Erithacus rubecula"),
    Species("c", "Strix aluco"),
    Species("x"),
)
LIST = (
    "Order\tIOC_14.1\tGerman\tSpanish (Chile)\n"
    "Passeriformes\tTurdidae\tDrosseln\t\n"
    "Passeriformes\tTurdus merula\tAmsel\tmirlo\n"
    "Passeriformes\tTurdus merula merula\tAmsel (merula)\t\n"
    "Passeriformes\tERITHACUS RUBECULA\tRotkehlchen\tpetirrojo\n"
    "Strigiformes\tAthene noctua\tSteinkauz\tmochuelo\n"
)


def given(tmp_path, text, language="", encoding="utf-8"):
    path = tmp_path / "names.csv"
    path.write_text(text, encoding=encoding)
    return read_common_names(path, SPECIES, language)


def test_the_language_is_a_column_and_latin_names_are_found_by_what_they_are(tmp_path):
    assert given(tmp_path, LIST, "German") == ("Amsel", "Rotkehlchen", "", "")
    assert given(tmp_path, LIST, "spanish chile") == ("mirlo", "petirrojo", "", "")


def test_a_usual_name_or_the_only_other_column_needs_no_language(tmp_path):
    ebird = "SCI_NAME,SPECIES_CODE,PRIMARY_COM_NAME\nStrix aluco,tawowl1,Tawny Owl\n"
    assert given(tmp_path, ebird) == ("", "", "Tawny Owl", "")
    assert given(tmp_path, "Vogel;x\nStrix aluco;Käuzchen\n", encoding="cp1252")[2] == "Käuzchen"


@pytest.mark.parametrize(
    ("text", "language", "message"),
    [
        (LIST, "Germn", "no column 'Germn'; did you mean 'German'.*-P language=COLUMN: Order, Ger"),
        (LIST, "", "several columns of names, or none; name one with -P language=COLUMN"),
        (LIST + "x\tTurdus merula\tSchwarzdrossel\tz\n", "German",
         "line 7: 'Turdus merula' is 'Amsel' above and 'Schwarzdrossel'"),
        ("latin,common_name\nParus major,Great Tit\n", "", "no column of '.*' holds a Latin na"),
        ("latin,common_name\nStrix aluco,\n", "", "'common_name' of '.*' has no name of the spec"),
        ("", "", "can't read '.*names.csv': it is empty"),
    ],
)  # fmt: skip
def test_what_gives_no_names_is_one_line(tmp_path, text, language, message):
    with pytest.raises(UserError, match=message) as caught:
        given(tmp_path, text, language)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="names: can't read"):
        read_common_names(tmp_path / "none.csv", SPECIES)


def test_examples():
    assert doctest.testmod(common_names).failed == 0
