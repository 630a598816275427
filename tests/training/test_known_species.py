"""What is said of the species that an encoder does not know, and of tables of synonyms."""

import numpy as np
import pytest

from birdml.dataset.recording import Species
from birdml.encoders.own_rows import CONGENERS, OwnRows
from birdml.errors import UserError
from birdml.training.known_species import _synonyms, known_by, say_unknown
from birdml.zoo.recipe import HeadRecipe

SPECIES = tuple(Species(f"sp{i}", f"Avis {i}" if i else "") for i in range(9))


def own(known):
    return OwnRows(np.zeros((9, 2), np.float32), np.zeros(9, np.float32), known)


def test_species_known_by_their_congeners_or_not_at_all_are_named(caplog):
    recipe = HeadRecipe("birdnet_warm", encoder="birdnet")
    known = ("", CONGENERS, *("a label",) * 1, *("",) * 6)
    say_unknown(recipe, own(known), SPECIES)
    assert caplog.messages == [
        "birdnet_warm: birdnet knows 1 of 9 species by their congeners: Avis 1",
        "birdnet_warm: birdnet knows 7 of 9 species not at all: "
        "sp0, Avis 3, Avis 4, Avis 5, Avis 6 and 2 more",
    ]
    caplog.clear()
    say_unknown(recipe, own(("a label",) * 9), SPECIES)
    assert not caplog.messages


def test_by_what_each_is_known_is_a_table():
    rows = known_by(own(("x", CONGENERS, *("",) * 7)), SPECIES)
    assert rows[:3] == [("sp0", "", "x"), ("sp1", "Avis 1", CONGENERS), ("sp2", "Avis 2", "")]


def test_a_table_of_synonyms_has_two_columns(tmp_path):
    table = tmp_path / "synonyms.csv"
    table.write_text("\ufeffParus minor, Parus major \n\nAvis x,Avis y\n", encoding="utf-8")
    assert _synonyms(table) == {"Parus minor": "Parus major", "Avis x": "Avis y"}
    table.write_text("Parus minor,Parus major\nAvis x\n")
    with pytest.raises(UserError, match="line 2: two columns"):
        _synonyms(table)
    with pytest.raises(UserError, match="cannot read"):
        _synonyms(tmp_path / "none.csv")
