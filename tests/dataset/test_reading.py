"""Values that only their column explains."""

import pytest

from birdml.dataset import repair
from birdml.dataset.reading import ValueReading, reading_of
from birdml.dataset.repair import clock_in_date


def values(field, *texts, feet=False):
    reading = reading_of({field: list(texts)}, feet)
    return [reading.value(field, text) for text in texts]


def test_days_before_months_where_the_column_says_so():
    assert values("date", "03/04/2019", "25/12/2019") == ["2019-04-03", "2019-12-25"]
    assert values("date", "03/04/2019", "12/25/2019") == ["2019-03-04", "2019-12-25"]


def test_where_no_value_decides_such_dates_say_nothing():
    assert values("date", "03/04/2019", "2018-11-10") == [None, "2018-11-10"]
    assert values("date", "25/12/2019", "12/25/2019", "03/04/2019") == [
        "2019-12-25",
        "2019-12-25",
        None,
    ]


@pytest.mark.parametrize("text", ["5 May 2019", "05-May-2019", "May 5, 2019", "5.5.2019"])
def test_dates_in_words_and_with_dots(text):
    assert values("date", text) == ["2019-05-05"]


def test_dates_that_cannot_be_are_none():
    assert values("date", "31/02/2019", "30 Feb 2019", "99/99/2019") == [None, None, None]


def test_days_as_excel_counts_them():
    assert values("date", "43588", "43589.5") == ["2019-05-03", "2019-05-04"]
    assert values("time", "0.25", "0.729166667", "0,5") == ["06:00", "17:30", "12:00"]
    assert values("time", "6.30", "7.15") == ["06:30", "07:15"]


def test_three_decimals_are_no_thousands_where_the_column_has_decimals():
    assert values("elevation", "1.200", "12.5") == [1.2, 12.5]
    assert values("elevation", "4.572", "350.125") == [4.572, 350.125]
    assert values("elevation", "1.200", "800") == [1200, 800]


def test_feet_by_unit_or_by_heading():
    assert values("elevation", "4500-5000 ft", "1,000-1,200 feet") == [1524.0, 365.8]
    assert values("elevation", "1000", "300 m", feet=True) == [304.8, 300]


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("latitude", "3°30'00\"S", -3.5),
        ("latitude", "3° 30′ S", -3.5),
        ("latitude", "S 3.5", -3.5),
        ("latitude", "\u22123.5", -3.5),
        ("longitude", "60:15:00W", -60.25),
        ("longitude", "60.25O", None),
        ("longitude", "60.25E", 60.25),
        ("latitude", "3.5E", None),
        ("latitude", "3°75'S", None),
        ("latitude", "91", None),
    ],
)
def test_coordinates_as_people_write_them(field, text, value):
    assert getattr(repair, field)(text) == value


def test_longitudes_of_0_to_360_where_the_column_has_them():
    assert values("longitude", "299.75", "10") == [-60.25, 10]
    assert values("longitude", "299.75", "-10") == [None, -10]


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("2019-05-03T06:30:00Z", "06:30"),
        ("2019-05-03 18:05", "18:05"),
        ("2019-05-03T05:10:00+02:00", "05:10"),
        ("5/3/2019 6:30 PM", "18:30"),
        ("2019-05-03", None),
        ("2019-05-03/2019-05-05", None),
    ],
)
def test_a_time_within_a_date(text, clock):
    found = clock_in_date(text)
    assert (ValueReading().value("time", found) if found else None) == clock


def test_a_date_with_a_time_or_an_interval_is_a_date():
    assert values("date", "2019-05-03T06:30:00Z", "2019-05-03/2019-05-05") == ["2019-05-03"] * 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("11-1 pm", "11:00"),
        ("10-1 pm", "10:00"),
        ("6-7 pm", "18:00"),
        ("9-10 am", "09:00"),
        ("11-1 am", "23:00"),
        ("6-15", "06:15"),
        ("5-6h", "05:00"),
    ],
)
def test_a_range_of_hours_begins_at_its_start(text, value):
    assert repair.time(text) == value


@pytest.mark.parametrize("field", list(repair.REPAIRS))
@pytest.mark.parametrize("text", ["1 " * 1000, "9" * 5000, "a-" * 3000, "1.2.3." * 700])
def test_values_of_any_length_are_given_up_at_once(field, text):
    assert repair.REPAIRS[field](text) is None
    assert reading_of({field: [text]}).value(field, text) is None
