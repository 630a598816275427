"""An ensemble in the store: settings, figures, pages and arrays of its run, and its version."""

import csv
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from birdml.calibration.saved import save_calibration
from birdml.comparison.statistics import ends_in_words, intervals_in_words
from birdml.ensemble.card import PARAMETERS, data_tags
from birdml.ensemble.combination import Member, save_combination
from birdml.ensemble.page import page
from birdml.ensemble.registration import log_and_register
from birdml.ensemble.search import Trials
from birdml.figures.ensemble import members as members_figure
from birdml.figures.ensemble import search_curve
from birdml.jobs import calibration
from birdml.jobs.calibration import Calibrated
from birdml.steps.combined import predictions_in
from birdml.steps.ensemble_search import Candidates, EnsembleOptions, Found
from birdml.tracking import registry
from birdml.tracking.arrays import log_predictions
from birdml.tracking.datasets import log_dataset
from birdml.tracking.descriptions import describe_version

if TYPE_CHECKING:
    from birdml.tracking.client import Store

VALUE_NAMES = {"fg+bg": "MAP + MAP-bg", "fg": "MAP", "bg": "MAP-bg"}


def log_settings(
    client: "Store", run_id: str, options: EnsembleOptions, candidates: Candidates
) -> None:
    """What was asked, as params of the run, and the recordings that it was asked on."""
    log_dataset(client, run_id, candidates.dataset, "validation")
    settings = asdict(options) | {"members": ",".join(m.name for m in candidates.models)}
    client.log_settings(run_id, {key: str(value)[:6000] for key, value in settings.items()})


def log_found(
    client: "Store",
    run_id: str,
    options: EnsembleOptions,
    candidates: Candidates,
    found: Found,
) -> None:
    """Figures, curves, pictures, the page and the combined validation logits of a search."""
    trials = found.trials
    metrics = dict(found.scores) | {
        "search/members": float(np.count_nonzero(found.weights)),
        "cost/minutes": found.seconds / 60,
    }
    if found.crossfit is not None:
        metrics |= {"crossfit/map": found.crossfit.map, "crossfit/map_bg": found.crossfit.map_bg}
    for rival in found.rivals:
        metrics["tenths_won/" + rival.name.split(" (")[0].replace(" ", "_")] = float(rival.won)
    client.log_changed_metrics(run_id, metrics)
    client.log_curve(run_id, "search/value", trials.values)
    client.log_curve(run_id, "search/best", trials.best_so_far)
    log_predictions(client, run_id, "valid", candidates.files, found.logits)
    what = VALUE_NAMES[options.criterion]
    figures = {
        "members": members_figure(found.contributions, trials.best[1], what),
        "search": search_curve(trials.values, trials.steps, what),
    }
    for name, figure in figures.items():
        client.log_figure(run_id, figure, f"figures/{name}.png")
    found_by = _found_by(options, candidates, found)
    html = page(
        options.name,
        found_by,
        found.scores,
        found.crossfit,
        found.rivals,
        found.contributions,
        list(figures.values()),
    )
    client.log_text(run_id, html, "ensemble.html")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "trials.csv"
        _write_trials(path, trials, [m.name for m in candidates.models])
        client.log_artifact(run_id, str(path), "search")
    client.set_tag(run_id, "mlflow.note.content", _describe(options, candidates, found))


def _found_by(options: EnsembleOptions, candidates: Candidates, found: Found) -> str:
    return (
        f"{options.strategy} over {len(candidates.models)} models of {candidates.dataset.name}, "
        f"{len(found.trials.values)} steps in {found.seconds:.0f} s, for "
        f"{VALUE_NAMES[options.criterion]} on {len(candidates.files)} validation recordings."
    )


def _describe(options: EnsembleOptions, candidates: Candidates, found: Found) -> str:
    """How the weights were found, and what each member has of the answer, as Markdown."""
    members = [f"{c.name} {c.share:.0%} (x {c.weight:.3g})" for c in found.contributions]
    search = _found_by(options, candidates, found)
    return f"**Search:** {search}  \n**Shares of the answer (weights):** {', '.join(members)}.\n"


def _write_trials(path: Path, trials: Trials, names: list[str]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(["trial", "step", "value", "best", *names])
        for number, (step, value, best, weights) in enumerate(
            zip(trials.steps, trials.values, trials.best_so_far, trials.weights)
        ):
            row = [f"{value:.6f}", f"{best:.6f}", *(f"{w:.6g}" for w in weights)]
            writer.writerow([number, step, *row])


def register(
    client: "Store",
    run_id: str,
    options: EnsembleOptions,
    candidates: Candidates,
    found: Found,
) -> str:
    """Registers the members with a weight as one model, calibrated anew. Returns its version."""
    used = [(m, float(w)) for m, w in zip(candidates.models, found.weights, strict=True) if w > 0]
    members = [Member(m.name, w, m.model_version, m.run_id) for m, w in used]
    folders = [
        registry.load_registered(client, f"models:/birdml-{m.name}/{m.model_version}") / m.name
        for m, _ in used
    ]
    tags = {key: f"{value:.6f}" for key, value in found.scores.items()} | {
        "birdml.dataset": candidates.dataset.name,
        "birdml.dataset_digest": candidates.dataset.digest,
        "birdml.strategy": options.strategy,
    }
    tags |= data_tags(candidates.dataset)
    whence = [f"{m.name} ({m.tags[PARAMETERS]})" for m, _ in used if PARAMETERS in m.tags]
    if whence:
        tags[PARAMETERS] = ", ".join(whence)
    if found.crossfit is not None:
        tags["crossfit/map"] = f"{found.crossfit.map:.6f}"
        tags["crossfit/map_bg"] = f"{found.crossfit.map_bg:.6f}"
        tags["crossfit/intervals"] = ends_in_words(*found.crossfit.terms)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "combination"
        save_combination(folder, options.name, members, folders)
        made = _calibrated(client, folder, options, candidates, found)
        if made is not None:
            save_calibration(folder, made.calibration)
            calibration.log_calibration(client, run_id, options.name, made)
        scores = made.in_words if made else calibration.UNCALIBRATED
        recordings = candidates.dataset.split("valid")
        truth = candidates.dataset.foreground(recordings), candidates.dataset.present(recordings)
        sure = intervals_in_words(found.logits, *truth)
        how = f"{_describe(options, candidates, found)}\n{sure}\n{scores}"
        about = describe_version(found.scores, candidates.dataset.name, run_id, how)
        return log_and_register(client, run_id, folder, options.name, tags, about)


def _calibrated(
    client: "Store",
    folder: Path,
    options: EnsembleOptions,
    candidates: Candidates,
    found: Found,
) -> Calibrated | None:
    """The calibration of the weighted sum; the weights were found on the same recordings."""
    dataset = candidates.dataset
    predict = partial(predictions_in, client, folder, dataset)
    nothing, windows = calibration.asked_beside(options.name, dataset, predict)
    return calibration.of_validation_or_none(options.name, dataset, found.logits, nothing, windows)
