"""`score` of detections against annotations: figures of windows and of events."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from birdml.annotations.dataset import dataset_marks, dataset_seconds, folder_seconds
from birdml.annotations.names import read_mapping
from birdml.annotations.pairing import Pair, paired
from birdml.annotations.reading import MarksReading, read_marks
from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.dataset.problems import Problem, write_problems
from birdml.dataset.recording import Species
from birdml.errors import UserError
from birdml.figures.precision_recall import precision_recall
from birdml.files import csv_text, write_text, writing
from birdml.scoring import curves
from birdml.scoring.detections import Rates, events_from, rates_from, species_rows
from birdml.scoring.windows import WindowScores, cells_of, window_scores
from birdml.screen import figure, table_text
from birdml.tracking import own_runs, store
from birdml.tracking.datasets import log_dataset
from birdml.tracking.dead_runs import mark_dead_runs

SHOWN = 15  # species that the terminal shows
FOLDER = "scores"


@dataclass(frozen=True)
class MarkOptions:
    """What a user asks of `score` about detections (see `score --help`)."""

    detections: str
    truth: str
    classes: str = ""
    audio: str = ""
    names: str = ""
    columns: str = ""
    truth_columns: str = ""
    window: float = 5.0
    thresholds: str = ""
    iou: float = 0.5
    onset: str = ""
    out: str = ""


@dataclass(frozen=True)
class MarkScores:
    """Figures of windows, rates at each threshold, one row for each species, written files."""

    windows: WindowScores
    rates: tuple[Rates, ...]  # the first at the best threshold
    species: list[dict]
    files: tuple[Path, ...]
    dataset: Dataset | None


def score_marks(options: MarkOptions, species: list[Species]) -> MarkScores:
    """Reads both sides, prints and writes their scores.

    With `species`, only these count. Raises UserError where a table can't be read, or the sides
    share no recording or no species.
    """
    thresholds, onset = _checked(options)
    mapping = read_mapping(options.names) if options.names else {}
    dataset, truth = _truth(options)
    detections = read_marks(options.detections, options.columns)
    if dataset is not None and not species:
        species = list(dataset.species)
    seconds = dataset_seconds(dataset) if dataset is not None else {}
    unreadable: list[str] = []
    if options.audio:
        seconds, unreadable = folder_seconds(options.audio)
    pair = paired(truth.marks, detections.marks, species, mapping, seconds)
    _report_sides(options, truth, detections, pair, unreadable)
    problems = [*truth.problems, *detections.problems]
    del truth, detections  # millions of marks: what counts of them is in the pair
    cells = cells_of(pair.truth, pair.detections, pair.seconds, options.window, len(pair.called))
    scores, own, together = window_scores(cells)
    _report_windows(scores, options.window)
    at = [scores.best_threshold, *thresholds]
    matches = [events_from(pair, threshold, options.iou, onset) for threshold in at]
    rates = tuple(rates_from(together, *both) for both in zip(at, matches, strict=True))
    _report_rates(rates, options.iou, onset)
    rows = species_rows(pair, own, matches[0], thresholds)
    _report_species(rows)
    out = Path(options.out or FOLDER)
    files = _write(out, Path(options.detections).stem, rows, own, together, scores)
    if problems:
        write_problems(out, problems)
        files = (*files, out / "problems.csv")
    print(f"\nwritten: {', '.join(map(str, files))}")
    return MarkScores(scores, rates, rows, files, dataset)


def log_mark_scores(options: MarkOptions, scores: MarkScores) -> None:
    """Logs the figures and what was written into the run that `mlflow run` opened."""
    client = store.connect()
    mark_dead_runs(client)
    note = f"Detections `{options.detections}` against the annotations `{options.truth}`."
    tags = {"birdml.step": "score", "birdml.family": "score", "mlflow.note.content": note}
    if scores.dataset is not None:
        tags |= {
            "birdml.dataset": scores.dataset.name,
            "birdml.dataset_digest": scores.dataset.digest,
        }
    with own_runs.own_run(client, "score", tags) as run_id:
        for name, value in figures(scores).items():
            client.log_metric(run_id, f"detection/{name}", value)
        for file in scores.files:
            client.log_artifact(run_id, str(file), "score")
        if scores.dataset is not None:
            log_dataset(client, run_id, scores.dataset, "validation")


def figures(scores: MarkScores) -> dict[str, float]:
    """Every figure by the name it is logged under; those that are not defined are left out."""
    w, best = scores.windows, scores.rates[0]
    found = {
        "cmap": w.cmap,
        "map": w.map_micro,
        "auroc": w.auroc,
        "top1": w.top1,
        "lwlrap": w.lwlrap,
        "f1": w.best_f1,
        "threshold": w.best_threshold,
        "precision": best.precision,
        "recall": best.recall,
        "event_f1": best.event_f1,
        "event_precision": best.event_precision,
        "event_recall": best.event_recall,
    }
    for at in scores.rates[1:]:
        for name in ("precision", "recall", "f1", "event_f1"):
            found[f"{name}_at_{at.threshold:g}"] = getattr(at, name)
    return {name: value for name, value in found.items() if not math.isnan(value)}


def _checked(options: MarkOptions) -> tuple[list[float], float | None]:
    """Thresholds and tolerance as numbers; UserError where one can't be."""
    if not (math.isfinite(options.window) and options.window >= 0.1):
        raise UserError(f"window: {options.window:g} s is no length of a window (from 0.1 s on)")
    if not 0 < options.iou <= 1:
        raise UserError(f"iou: {options.iou:g} is not in 0 < iou <= 1")
    try:
        thresholds = [float(part) for part in options.thresholds.replace(",", " ").split()]
        onset = float(options.onset) if options.onset else None
    except ValueError as error:
        raise UserError(f"thresholds and onset: {error}; write numbers, as 0.3,0.5") from None
    if not all(map(math.isfinite, thresholds)) or (onset is not None and not 0 <= onset < math.inf):
        raise UserError("thresholds must be finite, and onset a number of seconds from 0 on")
    return sorted(set(thresholds)), onset


def _truth(options: MarkOptions) -> tuple[Dataset | None, MarksReading]:
    """The annotations, and the dataset that they come from, if one."""
    folder = Path(options.truth)
    if (folder / "dataset.toml").is_file():
        dataset = open_dataset(folder)
        return dataset, dataset_marks(dataset)
    truth = read_marks(folder, options.truth_columns)
    if truth.every:
        raise UserError(
            f"the truth '{folder}' holds a score of every species in every window: these are "
            "detections; name annotations"
        )
    return None, truth


def _report_sides(
    options: MarkOptions,
    truth: MarksReading,
    detections: MarksReading,
    pair: Pair,
    unreadable: list[str],
) -> None:
    for side, where, reading, marks in (
        ("truth", options.truth, truth, pair.truth),
        ("detections", options.detections, detections, pair.detections),
    ):
        print(
            f"{side}: {where}: {len(reading.marks)} marks in {len(reading.marks.files)} recordings "
            f"({_plural(reading.tables, 'table')}); {len(marks)} count"
        )
        _report_problems(side, reading.problems)
        if len(marks) and side == "detections" and np.isnan(marks.score).all():
            print("note: the detections have no scores; each counts as 1")
    if unreadable:
        print(
            f"note: the length of {_plural(len(unreadable), 'file')} in '{options.audio}' can't be "
            f"read, as that of {unreadable[0]}"
        )
    for note in pair.notes:
        print(f"note: {note}")


def _report_problems(side: str, problems: list[Problem]) -> None:
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.done, []).append(problem)
    for done, some in kinds.items():
        more = f" and {len(some) - 1} more" if len(some) > 1 else ""
        print(f"note: {side}: {done}: {some[0].file}{more}")


def _report_windows(scores: WindowScores, length: float) -> None:
    print(
        f"\nwindows of {length:g} s: {scores.windows}; species with a positive window: "
        f"{scores.species}; without one, and left out of means: {scores.without}\n"
    )
    best = "" if math.isnan(scores.best_threshold) else f"from {scores.best_threshold:g} on"
    figures = (
        ("cmAP, mean over species", scores.cmap, ""),
        ("mAP, all together (micro)", scores.map_micro, ""),
        ("AUROC, mean over species", scores.auroc, ""),
        ("top-1, windows with a mark", scores.top1, ""),
        ("lwLRAP", scores.lwlrap, ""),
        ("best F1", scores.best_f1, best),
    )
    rows = [(what, figure(value, ".4f"), said) for what, value, said in figures]
    print(table_text(None, rows, "<><"))


def _report_rates(rates: tuple[Rates, ...], iou: float, onset: float | None) -> None:
    how = f"overlap (iou) {iou:g}" if onset is None else f"onsets within {onset:g} s"
    print(f"\nwindows, and events paired by {how}:")
    columns = [*Rates.__dataclass_fields__]
    rows = [[figure(getattr(at, name), ".4f") for name in columns] for at in rates]
    print(table_text(columns, rows, ">" * len(columns)))


def _report_species(rows: list[dict]) -> None:
    there = [row for row in rows if row["windows"]]
    columns = ["species", "windows", "detections", "average_precision", "auroc"]
    columns += ["best_f1", "best_threshold"]
    shown = [
        [figure(v, ".4f") if isinstance(v, float) else v for v in (row[name] for name in columns)]
        for row in there[:SHOWN]
    ]
    if shown:
        print(f"\n{table_text(columns, shown)}")
    if len(there) > SHOWN:
        print(f"... and {_plural(len(there) - SHOWN, 'species')} in the table")


def _write(
    out: Path,
    stem: str,
    rows: list[dict],
    own: curves.Curves,
    together: curves.Curves,
    scores: WindowScores,
) -> tuple[Path, ...]:
    header = list(rows[0])
    values = [
        ["" if isinstance(v, float) and math.isnan(v) else v for v in row.values()] for row in rows
    ]
    table, figure = out / f"{stem}_species.csv", out / f"{stem}_precision_recall.png"
    write_text(table, csv_text(header, values))
    order = np.argsort(-own.positives, kind="stable")
    lines = [
        (row["species"], curves.recall_precision(own, label))
        for row, label in zip(rows, order.tolist())
        if row["windows"]
    ]
    right, found = curves.at_threshold(together, scores.best_threshold)
    precision, recall, _ = (float(v[0]) for v in curves.rates(right, found, together.positives))
    drawn = precision_recall(
        curves.recall_precision(together, 0), lines, (recall, precision, scores.best_threshold)
    )
    with writing(figure) as file:
        drawn.savefig(file, format="png")
    return table, figure


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1 and not what.endswith('s'))}"
