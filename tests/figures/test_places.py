"""Pictures of metadata models: which species where and when."""

import numpy as np
import pytest

from birdml.figures.places import densest_place, map_of_species, season_by_hour

NAN = float("nan")


def table(count: int = 200) -> np.ndarray:
    """Recordings between 10 S and 10 N, 60 W and 40 W; a cluster of them around (5, -45)."""
    rng = np.random.default_rng(3)
    rows = np.empty((count, 5))
    rows[:, 0] = rng.uniform(1, 366, count)
    rows[:, 1] = rng.uniform(0, 1440, count)
    rows[:, 2] = rng.uniform(-10, 10, count)
    rows[:, 3] = rng.uniform(-60, -40, count)
    rows[:, 4] = 300.0
    rows[: count // 4, 2:4] = (5, -45) + rng.normal(0, 0.2, (count // 4, 2))
    return rows


def north_and_south(rows: np.ndarray) -> np.ndarray:
    """Species 0 north of the equator, 1 south of it; 2 nowhere. Never sees an unknown place."""
    assert np.isfinite(rows[:, 2:4]).all()
    return np.stack([rows[:, 2], -rows[:, 2], np.full(len(rows), -99.0)], axis=1)


def by_hour(rows: np.ndarray) -> np.ndarray:
    """Species 0 before noon, 1 after it."""
    late = (rows[:, 1] >= 720).astype(float)
    return np.stack([5 - 10 * late, 10 * late - 5], axis=1)


def test_map_shows_the_likelier_species_where_recordings_are():
    figure = map_of_species(north_and_south, table(), ["N", "S", "nowhere"])
    mesh = figure.axes[0].collections[0]
    corners = mesh.get_coordinates()
    latitudes = (corners[:-1, 0, 1] + corners[1:, 0, 1]) / 2
    colours = np.ma.filled(mesh.get_array().astype(float), np.nan).reshape(len(latitudes), -1)
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    north, south = names.index("N"), names.index("S")
    assert "nowhere" not in names
    shown = np.isfinite(colours)
    assert 0 < shown.sum() < shown.size  # far from any recording nothing is claimed
    assert (colours[latitudes > 0.5][shown[latitudes > 0.5]] == north).all()
    assert (colours[latitudes < -0.5][shown[latitudes < -0.5]] == south).all()


def test_unknown_places_are_left_out():
    rows = table()
    rows[::2, 2] = NAN
    map_of_species(north_and_south, rows, ["N", "S", "nowhere"])
    rows[:, 2] = NAN
    with pytest.raises(ValueError, match="place"):
        map_of_species(north_and_south, rows, ["N", "S", "nowhere"])


def test_densest_place_lies_in_the_cluster():
    place = densest_place(table())
    assert abs(place[0] - 5) < 1 and abs(place[1] + 45) < 1 and place[2] == 300


def test_season_by_hour_follows_the_model():
    figure = season_by_hour(by_hour, table(), ["early", "late"])
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes}
    picture = np.asarray(panels["early"].collections[0].get_array())
    hours = np.arange(15, 1440, 45)
    picture = picture.reshape(len(hours), -1)
    assert (picture[hours < 720] > 0.99).all() and (picture[hours >= 720] < 0.01).all()


def test_season_by_hour_works_without_any_place():
    rows = table()
    rows[:, 2:] = NAN
    figure = season_by_hour(by_hour, rows, ["early", "late"])
    assert "any place" in figure.get_suptitle()


def test_one_place_only_can_be_drawn():
    rows = table(12)
    rows[:, 2:4] = (1, -50)
    figure = map_of_species(north_and_south, rows, ["N", "S", "nowhere"])
    figure.canvas.draw()
