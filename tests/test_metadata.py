import numpy as np
import pytest

from birdml.dataset.recording import FIELDS, Recording
from birdml.metadata import (
    blur,
    day_of_year,
    drop,
    encode,
    encoded_size,
    metadata_table,
    minute_of_day,
)
from tests.golden import load_json, load_npz, relative_difference


def test_golden_encoding():
    about, arrays = load_json("metadata_encoding.json"), load_npz("metadata_encoding.npz")
    recordings = [
        Recording(
            file="",
            split="train",
            date=date,
            time=time,
            latitude=float(latitude) if latitude else None,
            longitude=float(longitude) if longitude else None,
            elevation=numeric.get("elevation"),
        )
        for (date, time, latitude, longitude, _), numeric in zip(about["rows"], about["numeric"])
    ]
    table = metadata_table(recordings)
    for row, numeric in zip(table, about["numeric"]):
        np.testing.assert_allclose(row, [numeric.get(field, np.nan) for field in FIELDS])
    assert about["settings"]
    for setting in about["settings"]:
        fields = setting["input_meta"].split(",")
        sizes = setting["date_size"], setting["time_size"]
        encoded = encode(table, fields, *sizes)
        assert encoded.dtype == np.float32
        assert encoded.shape[1] == encoded_size(fields, *sizes)
        assert relative_difference(encoded, arrays[setting["key"]]) < 1e-6, setting["key"]


def test_golden_days_and_minutes():
    about = load_json("metadata_encoding.json")
    for date, day in about["day_of_year"]:
        if date.split("-")[1].strip("0"):
            assert day_of_year(date) == day, date
        else:  # 2018 took month 0 for December
            assert np.isnan(day_of_year(date))
    for time, minute in about["minute_of_day"]:
        assert minute_of_day(time) == pytest.approx(minute, abs=1e-9), time


@pytest.mark.parametrize("text", ["", "2012-05", "2012-13-01", "2012-02-41", "May 2012"])
def test_dates_that_are_none_are_unknown(text):
    assert np.isnan(day_of_year(text))


@pytest.mark.parametrize("text", ["", "7", "25:00", "12:61", "dawn"])
def test_times_that_are_none_are_unknown(text):
    assert np.isnan(minute_of_day(text))


def test_unknown_values_are_zero_with_a_zero_flag():
    table = np.array([[np.nan, 600, np.nan, -62, 967]])
    vector = encode(table, FIELDS, 3, 3)[0]
    np.testing.assert_array_equal(vector[:5], [0, 1, 0, 1, 1])
    np.testing.assert_array_equal(vector[5:8], 0)
    assert np.all(vector[8:11] != 0)
    np.testing.assert_allclose(vector[11:], 0, atol=1e-7)  # unknown, mean, mean


def test_the_year_and_the_day_are_circles():
    ends = encode(np.array([[1.0, 0, 0, 0, 0], [366.0, 1440, 0, 0, 0]]), ["date", "time"], 12, 3)
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-6)


def test_blur_has_the_given_deviations_and_keeps_unknown_values():
    table = np.zeros((20000, 5))
    table[0] = np.nan
    deviations = (7, 10, 1, 0, 20)
    blurred = blur(table, deviations, np.random.default_rng(1))
    assert np.isnan(blurred[0]).all()
    np.testing.assert_allclose(blurred[1:].std(axis=0), deviations, rtol=0.03)
    np.testing.assert_array_equal(table[1:], 0)


def test_drop_makes_the_given_share_unknown():
    table = np.ones((4000, 5))
    dropped = drop(table, 0.25, np.random.default_rng(1))
    assert np.isnan(dropped).mean() == pytest.approx(0.25, abs=0.02)
    assert not np.isnan(drop(table, 0, np.random.default_rng(1))).any()
