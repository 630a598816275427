"""`learn`: what more recordings would bring, as MAP against recordings of each species."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from birdml.dataset.opening import open_dataset
from birdml.errors import UserError
from birdml.figures.learning import learning_curves
from birdml.files import csv_text, write_text, writing
from birdml.machine import pick_device
from birdml.screen import figure, table_text
from birdml.zoo.identity import identities
from birdml.zoo.load import load_zoo
from birdml.zoo.plan import plan

if TYPE_CHECKING:
    from birdml.zoo.recipe import Recipe

HEADER = ("model", "count", "draw", "recordings", "map", "map_bg", "top1", "top5", "identity")
Row = tuple[str, ...]


@dataclass(frozen=True)
class LearnOptions:
    """What a user asks of `learn` (see `learn --help`)."""

    models: str
    dataset: str
    counts: str = "1,2,4,8,16,32"
    draws: int = 5
    profile: str = ""
    set: str = ""
    zoo: str = ""
    out: str = "learn.csv"
    device: str = "auto"


def learn(options: LearnOptions) -> list[Row]:
    """Trains each model on few recordings of each species, again and again; no runs are made.

    Writes a row for each training as soon as it is done, so that the same command goes on, and a
    picture at the end. Raises UserError for a request that can't be met.
    """
    from birdml.steps.learning_curve import figures_of, largest

    counts = _counts(options.counts)
    dataset = open_dataset(options.dataset)
    recipes = _recipes(options)
    device = pick_device(options.device)
    asked = identities(recipes, dataset.digest, 0, device)
    most = largest(dataset)
    if not most:
        raise UserError(f"the dataset '{dataset.name}' has no labelled training recordings")
    useful = [count for count in counts if count < most]
    useful += [most] if max(counts) >= most else []  # all there are
    out = Path(options.out)
    rows = _there(out)
    done = {(row[0], row[1], row[2], row[-1]) for row in rows}
    todo = [
        (name, count, draw)
        for name in recipes
        for count in useful
        for draw in range(options.draws)
        if (name, str(count), str(draw), asked[name]) not in done
    ]
    for name, count, draw in tqdm(todo, desc="trainings", disable=None, leave=False):
        found = figures_of(recipes[name], dataset, count, draw, device)
        values = [f"{found[key]:.4f}" for key in HEADER[4:-1]]
        rows.append(
            (name, str(count), str(draw), f"{found['recordings']:.0f}", *values, asked[name])
        )
        write_text(out, csv_text(HEADER, rows))
    shown = [row for row in rows if asked.get(row[0]) == row[-1] and int(row[1]) in useful]
    _print(list(recipes), useful, shown)
    _draw(list(recipes), shown, out.with_suffix(".png"), dataset.name)
    print(f"{len(shown)} trainings: {out}, {out.with_suffix('.png')}")
    return shown


def _counts(text: str) -> list[int]:
    try:
        counts = sorted({int(part) for part in text.split(",")})
    except ValueError:
        counts = []
    if not counts or counts[0] < 1:
        raise UserError(f"counts='{text}': whole numbers from 1 with commas, such as 1,2,4,8")
    return counts


def _recipes(options: LearnOptions) -> "dict[str, Recipe]":
    """The models asked for; UserError for those that are built from others."""
    if options.draws < 1:
        raise UserError(f"draws={options.draws}; it must be at least 1")
    recipes = plan(options.models, load_zoo(options.zoo or None), options.profile, options.set)
    needing = [name for name, recipe in recipes.items() if recipe.needs]
    if needing:
        raise UserError(
            f"{', '.join(needing)}: built from other models, which would have to be trained for "
            "each number of recordings; name models that stand alone"
        )
    return recipes


def _there(out: Path) -> list[Row]:
    """Rows of an earlier call. Raises UserError where the file is none of ours."""
    if not out.exists():
        return []
    try:
        with open(out, newline="", encoding="utf-8") as file:
            header, *rows = [tuple(row) for row in csv.reader(file)]
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UserError(f"out: cannot read '{out}': {error}; name another file") from None
    if header != HEADER or any(len(row) != len(HEADER) for row in rows):
        raise UserError(f"out: '{out}' is no table of learn; name another file")
    return rows


def _mean(rows: Sequence[Row]) -> tuple[float, float, float]:
    """Mean, lowest and highest MAP of the draws."""
    values = [float(row[4]) for row in rows]
    return sum(values) / len(values), min(values), max(values)


def _print(names: Sequence[str], counts: Sequence[int], rows: Sequence[Row]) -> None:
    cells = []
    for name in names:
        own = [row for row in rows if row[0] == name]
        means = (_mean([row for row in own if row[1] == str(count)])[0] for count in counts)
        cells.append((name, *map(figure, means)))
    print(table_text(("recordings of a species", *map(str, counts)), cells))


def _draw(names: Sequence[str], rows: Sequence[Row], path: Path, dataset: str) -> None:
    curves = {}
    for name in names:
        counts = sorted({int(row[1]) for row in rows if row[0] == name})
        curves[name] = [
            (count, *_mean([r for r in rows if r[0] == name and r[1] == str(count)]))
            for count in counts
        ]
    with writing(path) as file:
        learning_curves(curves, dataset).savefig(file, format="png")
