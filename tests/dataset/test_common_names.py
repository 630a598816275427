"""Common names out of tables as people have them."""

import pytest

from birdml.dataset.common_names import with_common_names
from birdml.dataset.recording import Species
from birdml.errors import UserError

SPECIES = (
    Species("bkb", "Turdus merula"),
    Species("houspa", "Passer domesticus"),
    Species("x1", "Avis ignota"),
)


def names(tmp_path, text, language=""):
    path = tmp_path / "names.csv"
    path.write_text(text, encoding="utf-8")
    return [one.common for one in with_common_names(SPECIES, path, language)]


def test_a_list_with_a_column_for_each_language(tmp_path):
    text = (
        "Order,IOC_14.2,English,German\nPasseriformes,Turdus merula,Common Blackbird,Amsel\n"
        "Passeriformes,Passer domesticus,House Sparrow,Haussperling\nx,Pica pica,Magpie,Elster\n"
    )
    assert names(tmp_path, text) == ["Common Blackbird", "House Sparrow", ""]
    assert names(tmp_path, text, "german") == ["Amsel", "Haussperling", ""]
    with pytest.raises(UserError, match="no column 'Germann'; .*did you mean 'German'"):
        names(tmp_path, text, "Germann")


def test_rows_of_subspecies_name_no_species(tmp_path):
    text = "SCIENTIFIC_NAME;PRIMARY_COM_NAME;Common name\nTurdus merula merula;x;Blackbird (West)\n"
    text += "Turdus merula;x;Blackbird\n"
    assert names(tmp_path, text) == ["Blackbird", "", ""]


def test_class_ids_do_where_no_latin_name_is_known(tmp_path):
    assert names(tmp_path, "primary_label,common_name\nhouspa,House Sparrow\n") == [
        *("", "House Sparrow", "")
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "latin,english\nTurdus merula,Blackbird\nTurdus merula,Merle\n",
            "'Blackbird' and 'Merle'",
        ),
        ("latin,english\nPica pica,Magpie\n", "for none of the model's 3 species"),
        ("latin,colour\nTurdus merula,black\n", "no column of common names"),
        ("a,english\n1,Blackbird\n", "no column of Latin names or class ids"),
        ("", "can't read the common names"),
    ],
)
def test_what_is_no_such_table_is_one_line(tmp_path, text, said):
    with pytest.raises(UserError) as raised:
        names(tmp_path, text)
    assert said in str(raised.value) and "\n" not in str(raised.value)
