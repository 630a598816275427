"""Features of place, season, hour and elevation, against formulas that are not theirs."""

import math

import numpy as np
import pytest

from birdml.dataset.recording import FIELDS
from birdml.place import (
    FEATURES,
    blurred,
    feature_count,
    half_day_hours,
    harmonics,
    place_features,
    sun_height,
)

NAN = np.nan
ROW = np.array([[120.0, 390.0, -12.6, -69.2, 250.0]])
BLOCKS = {  # where the groups lie among all 165
    "flags": slice(0, 5),
    "place": slice(5, 8),
    "harmonics": slice(8, 128),
    "date": slice(128, 134),
    "time": slice(134, 140),
    "season": slice(140, 144),
    "sun": slice(144, 152),
    "day": slice(152, 153),
    "elevation": slice(153, 165),
}


def places(count, seed=0):
    """Places spread evenly over the sphere, in radians."""
    rng = np.random.default_rng(seed)
    return np.arcsin(rng.uniform(-1, 1, count)), rng.uniform(-np.pi, np.pi, count)


def test_harmonics_of_low_degree_are_those_of_the_textbook():
    north, east = places(50)
    x, y, z = np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)
    expected = [  # times sqrt(4 pi), by degree and order
        *(math.sqrt(3) * y, math.sqrt(3) * z, math.sqrt(3) * x),
        *(math.sqrt(15) * x * y, math.sqrt(15) * y * z),
        math.sqrt(5) / 2 * (3 * z**2 - 1),
        *(math.sqrt(15) * x * z, math.sqrt(15) / 2 * (x**2 - y**2)),
    ]
    np.testing.assert_allclose(harmonics(north, east, 2), np.stack(expected, 1), atol=1e-12)


def test_harmonics_of_a_degree_add_up_as_unsoeld_says():
    """The squares of all orders of degree n sum to 2 n + 1 at every place."""
    squares = harmonics(*places(20), 10) ** 2
    for n in range(1, 11):
        np.testing.assert_allclose(squares[:, n * n - 1 : (n + 1) ** 2 - 1].sum(1), 2 * n + 1)


def test_harmonics_are_orthonormal_over_the_sphere():
    values = harmonics(*places(200_000), 3)
    np.testing.assert_allclose(values.T @ values / len(values), np.eye(15), atol=0.03)


def noaa_minutes(day, latitude):
    """Sunrise and sunset in minutes of true solar time, by NOAA's published approximation
    (declination as a series of the fractional year), without refraction."""
    g = 2 * math.pi / 365 * (day - 1)
    declination = (
        *(0.006918 - 0.399912 * math.cos(g) + 0.070257 * math.sin(g),),
        *(-0.006758 * math.cos(2 * g) + 0.000907 * math.sin(2 * g),),
        *(-0.002697 * math.cos(3 * g) + 0.00148 * math.sin(3 * g),),
    )
    angle = math.acos(-math.tan(math.radians(latitude)) * math.tan(sum(declination)))
    half = math.degrees(angle) * 4
    return 720 - half, 720 + half


@pytest.mark.parametrize(
    ("day", "latitude"), [(1, -3.1), (80, 51.5), (172, -34.6), (266, 10.5), (355, 35.0)]
)
def test_the_sun_rises_and_sets_as_the_almanac_says(day, latitude):
    half = 60 * float(half_day_hours(np.array([float(day)]), np.radians([latitude]))[0])
    rise, sets = noaa_minutes(day, latitude)
    assert abs(720 - half - rise) < 5 and abs(720 + half - sets) < 5
    for minute in (rise, sets):
        height = sun_height(np.array([float(day)]), np.array([minute / 60]), np.radians([latitude]))
        assert abs(float(height[0])) < 0.025, "it stands at the horizon"


def test_poles_have_days_and_nights_of_half_a_year():
    north = np.radians([90.0, -90.0, 90.0, -90.0])
    hours = half_day_hours(np.array([172.0, 172.0, 355.0, 355.0]), north)
    np.testing.assert_array_equal(hours, [12, 0, 0, 12])
    everywhere = np.array([[172.0, 0.0, lat, lon, 0.0] for lat in (90, -90) for lon in (-180, 180)])
    assert np.isfinite(place_features(everywhere)).all()


def test_there_are_165_features():
    assert place_features(ROW).shape == (1, 165) and place_features(ROW).dtype == np.float32
    assert feature_count(FIELDS, FEATURES, 10) == 165
    assert place_features(np.zeros((0, 5))).shape == (0, 165)


@pytest.mark.parametrize(
    ("field", "lost"),
    [
        ("date", {"date", "season", "sun", "day"}),
        ("time", {"time", "sun"}),
        ("latitude", {"place", "harmonics", "season", "sun", "day"}),
        ("longitude", {"place", "harmonics"}),
        ("elevation", {"elevation"}),
    ],
)
def test_what_needs_an_unknown_field_is_zero_and_the_rest_stays(field, lost):
    table = ROW.copy()
    table[0, FIELDS.index(field)] = NAN
    features, whole = place_features(table)[0], place_features(ROW)[0]
    assert features[FIELDS.index(field)] == 0
    for name, block in BLOCKS.items():
        if name in lost:
            assert not features[block].any(), name
        elif name != "flags":
            np.testing.assert_array_equal(features[block], whole[block], name)


def test_a_field_that_is_not_used_is_as_if_unknown_and_takes_no_room():
    without = place_features(ROW, [f for f in FIELDS if f != "elevation"])
    assert without.shape == (1, 165 - 1 - 12)
    assert np.array_equal(without[0, 4:], place_features(ROW)[0, 5:153])


def test_longitudes_are_the_same_around_the_globe():
    there = ROW + [0, 0, 0, 360, 0]
    np.testing.assert_allclose(place_features(there), place_features(ROW), atol=1e-5)
    line = np.repeat(ROW, 2, axis=0)
    line[:, 3] = -180, 180
    np.testing.assert_allclose(*place_features(line), atol=1e-5)


def test_midnight_and_new_year_are_no_edges():
    rows = np.repeat(ROW, 2, axis=0)
    rows[:, 1] = 0, 1440
    np.testing.assert_allclose(*place_features(rows)[:, BLOCKS["time"]], atol=1e-5)
    rows = np.repeat(ROW, 2, axis=0)
    rows[:, 0] = 0, 365
    np.testing.assert_allclose(*place_features(rows)[:, BLOCKS["date"]], atol=1e-5)


def test_hours_from_sunrise_and_to_sunset_are_around_the_clock():
    """An hour after sunrise and an hour before sunset, on the equator at an equinox."""
    rows = np.array([[80.0, 7 * 60.0, 0.0, 0.0, 0.0], [80.0, 17 * 60.0, 0.0, 0.0, 0.0]])
    sun = place_features(rows)[:, BLOCKS["sun"]]
    angle, near = np.pi / 12, np.exp(-((1 / 1.5) ** 2))
    assert sun[0, 2] == pytest.approx(np.sin(angle), abs=0.02)  # since sunrise
    assert sun[1, 3] == pytest.approx(np.sin(-angle), abs=0.02)  # since sunset: before it
    assert sun[0, 6] == pytest.approx(near, abs=0.02) and sun[1, 7] == pytest.approx(near, abs=0.02)
    assert sun[0, 1] == sun[1, 1] == 1, "it is light"


def test_noise_has_its_deviations_and_place_is_lost_as_a_whole():
    rng = np.random.default_rng(1)
    table = np.repeat([[100.0, 600.0, 10.0, -60.0, 500.0]], 40_000, axis=0)
    noisy = blurred(table, (10.0, 30.0, 0.15, 0.15, 30.0), 0.1, rng)
    known = np.isfinite(noisy)
    np.testing.assert_allclose(1 - known.mean(0), 0.1, atol=0.01)
    np.testing.assert_array_equal(known[:, 2], known[:, 3])
    assert not np.array_equal(known[:, 0], known[:, 1])
    np.testing.assert_allclose(np.nanstd(noisy, axis=0), (10.0, 30.0, 0.15, 0.15, 30.0), rtol=0.05)
    beyond = blurred(np.array([[1.0, 1.0, 90.0, 0.0, 0.0]] * 99), (0, 0, 5.0, 0, 0), 0.0, rng)
    assert beyond[:, 2].max() <= 90
