"""Coasts and borders under maps, where a package with them is installed."""

import numpy as np
import pytest
from matplotlib.lines import Line2D

from birdml.figures import coast
from birdml.figures.coast import draw_coast, outlines
from birdml.figures.occurrence import maps
from birdml.figures.style import new_figure

shapefile = pytest.importorskip("shapefile", reason="birdml[maps] is not installed")


@pytest.fixture
def islands(tmp_path):
    """A square island of 2° around (10, 50), an islet of 0.1°, and one of 4° beside 180°."""
    path = tmp_path / "islands.shp"
    with shapefile.Writer(str(path), shapeType=shapefile.POLYGON) as writer:
        writer.field("name", "C")
        for longitude, latitude, half in ((10, 50, 1), (13, 50, 0.05), (178, -17, 2)):
            west, east, south, north = (
                *(longitude - half, longitude + half), *(latitude - half, latitude + half)
            )  # fmt: skip
            corners = [(west, south), (west, north), (east, north), (east, south), (west, south)]
            writer.poly([corners])
            writer.record("island")
    outlines.cache_clear()
    return path


def test_what_reaches_into_the_area_is_there_whole(islands):
    found = outlines(islands, 9.5, 49.5, 20, 60)
    assert np.isnan(found[5]).all() and np.isnan(found[11]).all() and len(found) == 12
    assert np.nanmin(found, axis=0).tolist() == [9, 49]
    assert np.nanmax(found, axis=0).tolist() == [13.05, 51]
    assert not len(outlines(islands, 0, 0, 5, 5))


def test_islets_are_left_out(islands):
    assert len(outlines(islands, 0, 40, 20, 60, 0.5)) == 6


def test_longitudes_go_on_beyond_180(islands):
    for west, east, turn in ((176, 190, 0), (-190, -176, -360), (530, 545, 360)):
        found = outlines(islands, west, -20, east, -10)
        assert np.nanmin(found, axis=0).tolist() == [176 + turn, -19]


def test_points_closer_than_a_map_shows_are_left_out_and_rings_stay_closed(tmp_path):
    turn = np.linspace(0, 2 * np.pi, 1001)
    circle = np.stack([np.cos(turn), -np.sin(turn)], axis=1)
    with shapefile.Writer(str(tmp_path / "round.shp"), shapeType=shapefile.POLYGON) as writer:
        writer.field("name", "C")
        writer.poly([circle.tolist()])
        writer.record("island")
    found = outlines(tmp_path / "round.shp", -1, -1, 1, 1, 0.25)[:-1]
    assert 20 < len(found) < 60
    assert found[0] == pytest.approx(found[-1])


def lines_of(axes, colour=coast.GREY):
    return [a for a in axes.get_children() if isinstance(a, Line2D) and a.get_color() == colour]


def test_a_map_has_them_and_keeps_its_limits(islands, monkeypatch):
    monkeypatch.setattr(coast, "_shapes", lambda: islands)
    scores = np.random.default_rng(0).random((2, 3, 4))
    north, east = np.array([49.0, 50, 51]), np.array([9.0, 10, 11, 12])
    figure = maps(scores, north, east, ["01-15", "07-15"], "Turdus merula", "score")
    for axes in figure.axes[:2]:
        (line,) = lines_of(axes, "white")
        assert {9, 11} <= set(line.get_xdata())
        assert axes.get_xlim() == (8.5, 12.5) and axes.get_ylim() == (48.5, 51.5)
        assert axes.dataLim.x0 == 8.5


def test_without_the_package_there_are_none(monkeypatch):
    monkeypatch.setattr(coast, "PACKAGE", "no_such_package_with_coasts")
    axes = new_figure().subplots()
    before = len(axes.get_children())
    assert not draw_coast(axes) and len(axes.get_children()) == before


def test_the_package_has_the_strait_of_gibraltar():
    pytest.importorskip(coast.PACKAGE, reason="birdml[maps] is not installed")
    axes = new_figure().subplots()
    axes.set(xlim=(-7, -4), ylim=(35, 37))
    assert draw_coast(axes)
    (line,) = lines_of(axes)
    points = np.stack([line.get_xdata(), line.get_ydata()], axis=1)
    tarifa, tangier = (-5.61, 36.0), (-5.81, 35.79)
    for place in (tarifa, tangier):
        assert np.nanmin(np.hypot(*(points - place).T)) < 0.05
