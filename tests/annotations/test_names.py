import pytest

from birdml.annotations.names import NOTHING, UNMATCHED, LabelSet, read_mapping
from birdml.dataset.recording import Species
from birdml.errors import UserError

SPECIES = (Species("eurbla", "Turdus merula"), Species("gretit1", "Parus major"), Species("x1"))


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (("eurbla",), 0),
        (("EURBLA",), 0),
        (("Turdus merula",), 0),
        (("Turdus merula (Linnaeus, 1758)",), 0),
        (("Turdus merula_Eurasian Blackbird",), 0),
        (("Great Tit (Parus major)",), 1),
        (("unheard code", "Parus major"), 1),
        (("x1",), 2),
        (("Pica pica",), UNMATCHED),
        (("Turdus sp.",), UNMATCHED),
        (("nocall",), NOTHING),
        ((), NOTHING),
    ],
)
def test_a_species_by_any_of_its_names(names, label):
    assert LabelSet(SPECIES, []).label(names) == label


def test_rows_with_several_names_tell_which_belong_together():
    tables = [[("Eurasian Blackbird",)], [("Turdus merula", "Eurasian Blackbird")]]
    assert LabelSet(SPECIES, tables).label(("Eurasian Blackbird",)) == 0
    assert LabelSet(SPECIES, []).label(("Eurasian Blackbird",)) == UNMATCHED


def test_a_name_that_stands_for_two_species_is_not_guessed():
    tables = [[("Turdus merula", "Blackbird"), ("Parus major", "Blackbird")]]
    assert LabelSet(SPECIES, tables).label(("Blackbird",)) == UNMATCHED


def test_without_a_label_set_the_first_table_makes_it_and_others_grow_it():
    truth = [("Amsel",), ("Parus major", "Great Tit")]
    found = [("Great Tit",), ("Pica pica",), ("Amsel",)]
    labels = LabelSet((), [truth, found])
    assert labels.array(found).tolist() == [1, UNMATCHED, 0]
    assert labels.array(found, grow=True).tolist() == [1, 2, 0]
    assert labels.called == ["Amsel", "Parus major", "Pica pica"]


def test_a_label_set_of_a_dataset_does_not_grow():
    assert LabelSet(SPECIES, []).array([("Pica pica",)], grow=True).tolist() == [UNMATCHED]


def test_a_mapping_names_the_rest(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("name,species\nAmsel,eurbla\nKohlmeise,Parus major\nRegen,\n")
    labels = LabelSet(SPECIES, [], read_mapping(path))
    assert labels.label(("AMSEL",)) == 0
    assert labels.label(("Kohlmeise",)) == 1
    assert labels.label(("Regen",)) == NOTHING


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "no columns 'name' and 'species'"),
        ("name,species\nx,a\nX,b\n", "line 3: 'X' means two species"),
        ("", "empty"),
    ],
)
def test_a_broken_mapping_is_named(tmp_path, content, said):
    path = tmp_path / "names.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=said):
        read_mapping(path)
    with pytest.raises(UserError, match="can't read the names"):
        read_mapping(tmp_path / "none.csv")
