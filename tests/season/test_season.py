"""The picture of a season: counts, effort, and a page that needs nothing else."""

import re
from datetime import date, datetime

import numpy as np
import pytest

from birdml.errors import UserError
from birdml.figures.season import sun_hours
from birdml.prediction.journal import Entry, Writer
from birdml.season.counting import _stretches, count_season
from birdml.season.page import page, pictures
from birdml.steps.season import season as make_page
from tests.season.made import season


@pytest.fixture
def folder(tmp_path):
    return season(tmp_path / "results", sites=3, days=20, at=(2, 5, 12))


def test_detections_and_effort_are_counted_by_site_day_and_hour(folder):
    found = count_season(folder)
    assert found.days == [date(2023, 5, 1 + n) for n in range(20)]
    assert found.effort_site["S00"] == 20 * 3 * 60 and found.effort_site["S02"] == 13 * 3 * 60
    assert found.effort_site_day["S02", date(2023, 5, 12)] == 0
    assert found.effort_hours()[5] == pytest.approx((20 + 20 + 13) / 60)
    assert found.effort_hours()[3] == 0 and found.offset == 2
    lines = sum(len(p.read_text().splitlines()) - 1 for p in folder.rglob("S*/*.csv"))
    assert sum(found.by_site.values()) == sum(found.by_day.values()) == lines
    assert sum(found.by_day_hour.values()) == lines
    one = found.species[0]
    assert found.first_and_last(one)[0] == min(d for s, d in found.by_day if s == one)
    assert all(best.score <= 1 for best in found.best.values())


def test_scores_below_the_least_do_not_count(folder):
    every, some = count_season(folder), count_season(folder, 0.8)
    assert 0 < sum(some.by_site.values()) < sum(every.by_site.values())
    assert some.effort_site == every.effort_site


def test_a_recording_over_midnight_is_effort_of_two_days():
    parts = list(_stretches(datetime(2023, 5, 1, 23, 59, 30), 90))
    assert parts == [(date(2023, 5, 1), 23, 30), (date(2023, 5, 2), 0, 60)]


def test_files_without_a_date_are_said(folder):
    (folder / "x.wav.csv").write_text((next(folder.rglob("S*/*.csv"))).read_text())
    Writer(folder).add(Entry("x.wav", "/gone/x.wav", "1 1", seconds=30))
    Writer(folder).add(Entry("y.wav", "/gone/y.wav", "1 1", faulty=True, problem="empty file"))
    found = count_season(folder)
    assert (found.undated, found.lost) == (1, 1) and found.effort_site["recordings"] == 30
    text = page(found, {}, "t", clips=lambda best: None)
    assert "1 files have no date" in text and "1 files could not be heard" in text


def test_the_page_holds_everything_and_escapes_names(folder):
    path = make_page(str(folder))
    text = path.read_text()
    assert "<script" not in text and "Avis &lt;script&gt; &amp; Co" in text
    assert not re.search(r'(?:src|href)="(?!data:)', text) and "url(" not in text
    assert text.count("<audio") == len(count_season(folder).species)
    names = {p.name for p in folder.glob("season_*.png")}
    assert names == {
        f"season_{n}.png" for n in ("species_by_day", "effort", "day_by_hour", "activity", "map")
    }
    assert text.count("data:image/png") == len(names) + text.count("<audio")


def test_common_names_of_the_tables_stand_beside_the_latin_ones(folder):
    for path in folder.rglob("S*/*.csv"):
        lines = path.read_text().splitlines()
        column = lines[0].split(",").index("common_name")
        rows = [line.split(",") for line in lines[1:]]
        for row in rows:
            row[column] = "Amsel & Co" if row[3] == "turmer" else ""
        path.write_text("\n".join([lines[0], *map(",".join, rows)]) + "\n")
    text = page(count_season(folder), {}, "t", clips=lambda best: None)
    assert "<i>Turdus merula</i> Amsel &amp; Co</th>" in text
    assert "<i>Strix aluco</i></th>" in text


def test_without_dates_and_places_only_what_is_known_is_shown(folder):
    found = count_season(folder)
    found.places = dict.fromkeys(found.places)
    found.effort_day_hour.clear()
    assert set(pictures(found)) == {"species_by_day", "effort"}


def test_sunrise_and_sunset_are_those_of_an_almanac():
    days = [date(2023, 6, 21), date(2023, 12, 21)]
    rise, fall = sun_hours(days, 48.2, 16.4, 2.0)  # Vienna: 4:54 and 20:59 in June
    assert rise[0] == pytest.approx(4.9, abs=0.3) and fall[0] == pytest.approx(21.0, abs=0.3)
    assert rise[1] - 1 == pytest.approx(7.7, abs=0.3)  # 7:42 in winter time
    assert np.isnan(sun_hours(days, 80, 16, 1.0)[0]).all()


@pytest.mark.parametrize(
    ("predictions", "least", "message"),
    [
        ("nowhere", "", "settings.json' is missing"),
        ("", "2", "min_score='2'"),
        ("", "high", "min_score='high'"),
    ],
)
def test_what_makes_no_season_is_one_line(folder, predictions, least, message):
    with pytest.raises(UserError, match=message):
        make_page(predictions or str(folder), least)
    assert not (folder / "season.html").exists()


def test_results_in_other_forms_only_are_said(folder):
    next(folder.rglob("S*/*.csv")).unlink()
    with pytest.raises(UserError, match="format=csv"):
        count_season(folder)
