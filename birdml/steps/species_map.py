"""`species map=...`: where one species is expected, over an area and the months of a year."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from birdml.calibration.reading import reading
from birdml.errors import UserError
from birdml.figures.occurrence import maps
from birdml.figures.style import species_names
from birdml.files import csv_text, write_text, writing
from birdml.machine import pick_device
from birdml.metadata import metadata_table
from birdml.steps.species import SpeciesOptions, checked_moment, rule_of

HEADER = ("latitude", "longitude", "date", "class_id", "latin_name", "score")
CELLS = 60  # along the longer side of a map
MIDDLES = tuple(day + 14.0 for day in (1, 32, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335))


@dataclass(frozen=True)
class Area:
    """Degrees; the eastern end lies east of the western one, beyond 180 where it must."""

    south: float
    west: float
    north: float
    east: float

    @property
    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """Latitudes and longitudes of the middles of square cells, from south and west."""
        side = max(self.north - self.south, self.east - self.west) / CELLS
        return tuple(  # type: ignore[return-value]
            low + (np.arange(max(1, round((high - low) / side))) + 0.5) * side
            for low, high in ((self.south, self.north), (self.west, self.east))
        )


def read_area(text: str) -> Area:
    """`south,west,north,east` in degrees; UserError for what is no area."""
    try:
        south, west, north, east = map(float, text.split(","))
    except ValueError:
        raise UserError(
            f"area='{text}': four numbers south,west,north,east in degrees, such as -35,-82,13,-34"
        ) from None
    if not (-90 <= south < north <= 90 and -180 <= west <= 360 and -180 <= east <= 360):
        raise UserError(f"area='{text}': from south to north in -90..90, longitudes in -180..360")
    if east <= west:  # over the date line
        east += 360
    if not 0 < east - west <= 360:
        raise UserError(f"area='{text}': it must reach from west to east, round the globe at most")
    return Area(south, west, north, east)


def species_map(options: SpeciesOptions) -> Path:
    """Writes the scores of one species in the cells of an area, to `out`, and draws them.

    For the date that is asked for, or the middle of each month. Returns the path of the picture.
    Raises UserError for a request that can't be met.
    """
    from birdml.ensemble.occurrence import dates, left_out, occurrence
    from birdml.steps.named_model import common_names, find_model, label_named

    if options.sites or options.latitude or options.longitude:
        raise UserError("map shows an area: leave sites, latitude and longitude out")
    if not options.area:
        raise UserError("map needs area=south,west,north,east in degrees, such as -35,-82,13,-34")
    area = read_area(options.area)
    asked = checked_moment(options)
    rule = rule_of(options)
    combination = find_model(options.model, pick_device(options.device))
    common = common_names(options.names, options.language, combination.species)
    label = label_named("map", options.map, combination.species)
    read = reading(combination.name, combination.calibration, len(combination.species), rule)
    for remark in read.remarks:
        print(remark)
    if gone := left_out(combination):
        print(f"they listen, and are left out: {', '.join(gone)}")
    day, minute, *_, elevation = metadata_table([asked])[0]
    days = np.array(MIDDLES) if np.isnan(day) else np.array([day])
    when = dates(days) if np.isnan(day) else [asked.date]
    latitudes, longitudes = area.cells
    north, east = (a.ravel() for a in np.meshgrid(latitudes, longitudes, indexing="ij"))
    east = (east + 180) % 360 - 180
    scores = np.empty((len(days), len(north)))
    for row, one in enumerate(tqdm(days, desc="months", disable=None, leave=False)):
        moment = [np.full(len(north), value) for value in (one, minute, elevation)]
        table = np.stack([moment[0], moment[1], north, east, moment[2]], axis=1)
        scores[row] = occurrence(combination, table, read)[:, label]
    one_species = combination.species[label]
    called = f" ({common[label]})" if common and common[label] else ""
    what = (one_species.class_id, one_species.latin_name)
    rows = [
        (f"{a:.4f}", f"{b:.4f}", date, *what, f"{score:.6f}")
        for date, row in zip(when, scores)
        for a, b, score in zip(north, east, row)
    ]
    out = Path(options.out)
    write_text(out, csv_text(HEADER, rows))
    figure = maps(
        scores.reshape(len(days), len(latitudes), len(longitudes)),
        latitudes,
        longitudes,
        when,
        species_names([one_species])[0] + called,
        "probability of presence" if read.presence else "share of the softmax",
    )
    path = out.with_suffix(".png")
    with writing(path) as beside:
        figure.savefig(beside, format="png")
    print(f"{len(rows)} cells of {len(when)} {'date' if len(when) == 1 else 'months'}: {out}")
    print(f"picture: {path}")
    return path
