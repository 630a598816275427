"""`species`: what a place promises, by date or over the year."""

import csv

import numpy as np
import pytest
import torch

from birdml.calibration.reading import Reading
from birdml.dataset.recording import Species
from birdml.ensemble.combination import load_combination
from birdml.ensemble.occurrence import dates, occurrence, table_of, weeks
from birdml.errors import UserError
from birdml.steps.species import SpeciesOptions, species
from birdml.steps.species_map import CELLS, species_map
from tests.ensemble.saved import combination, saved_model

HERE = {"latitude": "-3.1", "longitude": "-60"}


@pytest.fixture
def place(tmp_path):
    return str(saved_model(tmp_path, "place"))


def rows(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def asked(model, tmp_path, **options):
    return SpeciesOptions(model=model, out=str(tmp_path / "out" / "species.csv"), **options)


def test_a_date_gives_one_list_best_first(place, tmp_path, capsys):
    options = asked(place, tmp_path, date="2026-05-03", time="06:30", top=3, **HERE)
    species(options)
    found = rows(options.out)
    assert [row["rank"] for row in found] == ["1", "2", "3"]
    scores = [float(row["score"]) for row in found]
    assert scores == sorted(scores, reverse=True) and 0 < scores[0] < 1
    assert {(row["date"], row["time"]) for row in found} == {("2026-05-03", "06:30")}
    said = capsys.readouterr().out
    assert "uncalibrated" in said and found[0]["latin_name"] in said


def test_common_names_of_a_table_stand_behind(place, tmp_path, capsys):
    table = tmp_path / "names.csv"
    table.write_text("latin,German\nAvis bina,Zweier\nAvis una,Einser\n")
    named = saved_model(
        tmp_path / "named", "place", species=(Species("1", "Avis una"), Species("2", "Avis bina"))
    )
    options = asked(str(named), tmp_path, date="2026-05-03", names=str(table), **HERE)
    species(options)
    assert {row["latin_name"]: row["common_name"] for row in rows(options.out)} == {
        "Avis una": "Einser", "Avis bina": "Zweier"
    }  # fmt: skip
    assert "Avis una (Einser)" in capsys.readouterr().out
    species(asked(str(named), tmp_path, date="2026-05-03", **HERE))
    assert "common_name" not in rows(options.out)[0]


def test_the_scores_are_those_of_the_network(place, tmp_path):
    options = asked(place, tmp_path, date="2026-05-03", time="06:30", elevation="90", **HERE)
    species(options)
    saved = load_from(place)
    table = np.array([[123.0, 390.0, -3.1, -60.0, 90.0]])
    with torch.no_grad():
        logits = saved.network(torch.from_numpy(saved.recipe.encoded(table)))[0]
    shares = torch.softmax(logits.double(), 0).numpy()
    named = {one.class_id: share for one, share in zip(saved.species, shares)}
    for row in rows(options.out):
        assert float(row["score"]) == pytest.approx(named[row["class_id"]], abs=1e-5)


def load_from(folder):
    from birdml.zoo.saved import load_model

    return load_model(folder)


def test_without_a_date_there_is_a_list_for_each_week_and_a_picture(place, tmp_path):
    options = asked(place, tmp_path, top=2, figures=True, **HERE)
    species(options)
    found = rows(options.out)
    assert len(found) == 104 and found[0]["date"] == "01-04" and found[-1]["date"] == "12-27"
    assert (tmp_path / "out" / "species.png").stat().st_size > 10_000


def test_a_date_without_time_is_drawn_as_a_clock(place, tmp_path):
    species(asked(place, tmp_path, date="2026-05-03", figures=True, **HERE))
    assert (tmp_path / "out" / "species.png").is_file()


def test_sites_are_listed_by_name(place, tmp_path):
    sites = tmp_path / "sites.csv"
    sites.write_text("site,latitude,longitude,elevation\nA,-3.1,-60,90\nB,-10,300,\n")
    options = asked(place, tmp_path, sites=str(sites), date="2026-05-03", top=1)
    species(options)
    assert [row["site"] for row in rows(options.out)] == ["A", "B"]


def test_longitudes_to_the_east_of_the_date_line_are_understood(place, tmp_path):
    found = []
    for longitude in ("-60", "300"):
        options = asked(place, tmp_path, latitude="-3.1", longitude=longitude, date="2026-05-03")
        species(options)
        found.append(rows(options.out))
    assert found[0] == found[1]


def test_members_that_listen_are_left_out_of_an_ensemble(tmp_path, capsys):
    folder = combination(tmp_path, {"audio": 0.6, "place": 0.3, "meta": 0.1})
    species(asked(str(folder), tmp_path, date="2026-05-03", top=1, **HERE))
    assert "they listen, and are left out: audio" in capsys.readouterr().out
    loaded = load_combination(folder)
    table = table_of(-3.1, -60.0, None, [123.0], [np.nan])
    logits = sum(
        weight / 0.4 * model.network(torch.from_numpy(model.recipe.encoded(table))).detach()
        for model, weight in loaded.members
        if not model.recipe.takes_samples
    )
    expected = torch.softmax(logits.double(), 1).numpy()
    np.testing.assert_allclose(occurrence(loaded, table, Reading()), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "needs a place"),
        ({"latitude": "-3.1"}, "needs a place"),
        ({"latitude": "95", "longitude": "0"}, "latitude 95 is not in"),
        ({"latitude": "x", "longitude": "0"}, "latitude 'x' is no number"),
        ({**HERE, "date": "May"}, "is not yyyy-mm-dd"),
        ({**HERE, "min_score": "high"}, "must be a number in 0..1"),
        ({**HERE, "scores": "odds"}, "it can be presence or softmax"),
        ({**HERE, "sites": "sites.csv"}, "leave latitude"),
        ({"sites": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(options, complaint, place, tmp_path):
    with pytest.raises(UserError, match=complaint):
        species(asked(place, tmp_path, **options))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("site,latitude\nA,1\n", "no column longitude"),
        ("site,latitude,longitude\nA,1,\n", "line 2: latitude or longitude is missing"),
        ("site,latitude,longitude\nA,1,2\nB,99,2\n", "line 3: latitude 99"),
        ("site,latitude,longitude\n", "names no site"),
    ],
)
def test_a_table_of_sites_that_is_broken_is_named_with_its_line(text, complaint, place, tmp_path):
    sites = tmp_path / "sites.csv"
    sites.write_text(text)
    with pytest.raises(UserError, match=complaint):
        species(asked(place, tmp_path, sites=str(sites)))


def test_a_model_that_only_listens_is_refused(tmp_path):
    model = str(saved_model(tmp_path, "audio"))
    with pytest.raises(UserError, match="no member that knows date"):
        species(asked(model, tmp_path, **HERE))


def test_weeks_have_their_dates():
    assert dates(np.array([1.0, 31.0, 32.0, 59.0, 60.0, 365.0])) == [
        *("01-01", "01-31", "02-01", "02-28", "03-01", "12-31")
    ]
    assert len(weeks()) == 52 and weeks()[-1] == 361


def map_of(model, tmp_path, **options):
    options = {"map": "c3", "area": "-10,170,10,-170"} | options
    return species_map(asked(model, tmp_path, **options))


def test_a_map_has_a_cell_for_each_place_and_month_and_knows_the_date_line(place, tmp_path):
    picture = map_of(place, tmp_path)
    found = rows(tmp_path / "out" / "species.csv")
    assert len(found) == 12 * CELLS * CELLS and picture.stat().st_size > 10_000
    assert {row["class_id"] for row in found} == {"c3"}
    longitudes = {float(row["longitude"]) for row in found}
    assert all(abs(value) > 170 for value in longitudes) and min(longitudes) < 0 < max(longitudes)
    assert len({row["date"] for row in found}) == 12


def test_a_cell_has_the_score_that_its_place_has(place, tmp_path):
    map_of(place, tmp_path, area="-4,-61,-2,-59", date="2026-05-03", time="06:30", map="Avis 3")
    cell = rows(tmp_path / "out" / "species.csv")[7]
    here = {name: cell[name] for name in ("latitude", "longitude")}
    species(asked(place, tmp_path, date="2026-05-03", time="06:30", **here))
    one = next(row for row in rows(tmp_path / "out" / "species.csv") if row["class_id"] == "c3")
    assert float(cell["score"]) == pytest.approx(float(one["score"]), abs=2e-6)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"area": ""}, "needs area"),
        ({"area": "1,2,3"}, "four numbers"),
        ({"area": "10,0,-10,5"}, "from south to north"),
        ({"map": "turphi"}, "knows no such species"),
        ({"latitude": "3"}, "leave sites"),
    ],
)
def test_a_map_that_cannot_be_drawn_is_refused(place, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        map_of(place, tmp_path, **options)
    assert not (tmp_path / "out").exists()
