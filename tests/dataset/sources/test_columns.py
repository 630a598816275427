"""Which column is what: the user's word, then names, then what stands in the columns."""

import pytest

from birdml.dataset.sources.columns import find_columns, folded
from birdml.dataset.sources.rows import Table
from birdml.errors import UserError


def columns(header, rows, named="", twice=()):
    header = header.split(",")
    rows = [dict(zip(header, row.split(","), strict=True)) for row in rows]
    lines = tuple(range(2, len(rows) + 2))
    return find_columns(Table("t.csv", tuple(header), tuple(rows), lines, frozenset(twice)), named)


SPECIES = ("class_id", "latin", "genus", "species", "common")


def species_of(found):
    return {ours: theirs for ours, theirs in found.found.items() if ours in SPECIES}


def test_a_taxonomic_class_is_no_species():
    found = columns("id,class,species", ["1,Aves,Pica pica", "2,Amphibia,Rana arvalis"])
    assert species_of(found) == {"latin": "species"}
    assert "class" in found.unused


def test_a_class_of_species_is_one():
    assert species_of(columns("id,class", ["1,abc", "2,xyz"])) == {"class_id": "class"}


@pytest.mark.parametrize("value", ["song", "flight call", "alarm call, male"])
def test_a_label_that_tells_the_kind_of_sound_is_no_species(value):
    value = value.replace(", ", " ")
    found = columns("id,label,species", [f"1,{value},Pica pica", "2,call,Parus major"])
    assert species_of(found) == {"latin": "species"}


def test_a_binomial_beside_its_genus_is_the_whole_name():
    found = columns("id,gen,sp,species", ["1,Actitis,macularius,Actitis macularius"])
    assert species_of(found) == {"latin": "species"}


def test_genus_and_epithet_belong_together():
    found = columns("id,gen,sp", ["1,Actitis,macularius"])
    assert species_of(found) == {"genus": "gen", "species": "sp"}


def test_epithets_without_a_genus_name_no_species():
    found = columns("id,species", ["1,novaeseelandiae", "2,macularius"])
    assert not found.tells_species
    assert "a genus ('species' holds epithets alone)" in found.missing()


def test_codes_in_a_column_species_are_class_ids():
    found = columns("id,species", ["1,houspa", "2,comior1"])
    assert species_of(found) == {"class_id": "species"}


def test_what_the_user_names_wins_over_every_other_column():
    rows = ["1,abc,Pica pica,x"]
    found = columns("id,primary_label,scientific_name,mine", rows, "latin=scientific_name")
    assert species_of(found) == {"latin": "scientific_name"}
    found = columns("id,primary_label,scientific_name,mine", rows, "class_id=mine")
    assert species_of(found)["class_id"] == "mine"


def test_a_genus_and_epithet_that_the_user_names_are_joined():
    found = columns(
        "id,generic_name,scientific_name", ["1,Ninox,novaeseelandiae"],
        "genus=generic_name, species=scientific_name",
    )  # fmt: skip
    assert species_of(found) == {"genus": "generic_name", "species": "scientific_name"}


def test_a_column_is_named_without_regard_to_blanks_and_case():
    found = columns("Nr,ID ,Especie", ["7,1,abc"], "id=id, class_id=ESPECIE")
    assert found.found["id"] == "ID "
    assert found.found["class_id"] == "Especie"


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("id=nr", "has no 'nr'; it has id, label"),
        ("what=id", "'what=id' is none of"),
        ("id", "'id'"),
    ],
)
def test_a_column_that_is_not_there_is_said(named, message):
    with pytest.raises(UserError, match=message):
        columns("id,label", ["1,abc"], named)


def test_a_column_that_is_needed_and_stands_twice_is_refused():
    with pytest.raises(UserError, match="two columns 'date' with different values"):
        columns("id,label,date", ["1,abc,2019-01-01"], twice={"date"})
    assert columns("id,label,extra", ["1,abc,x"], twice={"extra"}).tells_species


@pytest.mark.parametrize(
    ("header", "ours"),
    [
        ("decimalLatitude", "latitude"),
        ("eventDate", "date"),
        ("eventTime", "time"),
        ("recordedBy", "recordist"),
        ("minimumElevationInMeters", "elevation"),
        ("ML Catalog Number", "id"),
        ("Background Species", "background"),
        ("longitute", "longitude"),
        ("who_provided_recording", "recordist"),
    ],
)
def test_names_of_the_field_are_known(header, ours):
    found = columns(f"file,label,{header}", ["a.wav,abc,7"])
    assert found.found[ours] == header


def test_a_start_in_seconds_is_no_time_of_day():
    seconds = columns("file,label,start_time", ["a,abc,0", "a,abc,5", "b,abc,10"])
    clock = columns("file,label,start_time", ["a,abc,06:30", "b,abc,07:00"])
    assert "time" not in seconds.found and seconds.found["start"] == "start_time"
    assert clock.found["time"] == "start_time"


def test_what_is_missing_is_said():
    assert columns("foo,bar", ["1,2"]).missing() == "a file name or id and a species"


def test_marks_and_case_do_not_count():
    assert folded("Elevation (m)") == folded("elevation_m")
