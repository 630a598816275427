"""An ensemble in the store: settings, figures, pages and arrays of its run, and its version."""

import csv
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from birdml.ensemble.combination import Member, save_combination
from birdml.ensemble.page import page
from birdml.ensemble.registration import log_and_register
from birdml.ensemble.search import Trials
from birdml.figures.ensemble import members as members_figure
from birdml.figures.ensemble import search_curve
from birdml.steps.ensemble_material import Material
from birdml.steps.ensemble_search import EnsembleOptions, Found
from birdml.tracking import registry
from birdml.tracking.arrays import log_predictions

if TYPE_CHECKING:
    from mlflow import MlflowClient

VALUE_NAMES = {"fg+bg": "MAP + MAP-bg", "fg": "MAP", "bg": "MAP-bg"}


def log_settings(
    client: "MlflowClient", run_id: str, options: EnsembleOptions, material: Material
) -> None:
    """What was asked, as params of the run."""
    settings = asdict(options) | {"members": ",".join(m.name for m in material.models)}
    for key, value in settings.items():
        client.log_param(run_id, f"cfg.{key}", str(value)[:6000])


def log_found(
    client: "MlflowClient",
    run_id: str,
    options: EnsembleOptions,
    material: Material,
    found: Found,
) -> None:
    """Figures, curves, pictures, the page and the combined validation logits of a search."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    trials = found.trials
    curve = [Metric("search_value", v, now, n) for n, v in enumerate(trials.values)]
    curve += [Metric("search_best", float(v), now, n) for n, v in enumerate(trials.best_so_far)]
    for begin in range(0, len(curve), 1000):
        client.log_batch(run_id, metrics=curve[begin : begin + 1000])
    metrics = dict(found.scores) | {
        "members": float(np.count_nonzero(found.weights)),
        "search_seconds": found.seconds,
    }
    if found.crossfit is not None:
        metrics |= {"crossfit_map": found.crossfit.map, "crossfit_map_bg": found.crossfit.map_bg}
    for rival in found.rivals:
        metrics["tenths_won_" + rival.name.split(" (")[0].replace(" ", "_")] = float(rival.won)
    client.log_batch(run_id, metrics=[Metric(k, v, now, 0) for k, v in metrics.items()])
    log_predictions(client, run_id, "valid", material.files, found.logits)
    what = VALUE_NAMES[options.criterion]
    figures = {
        "members": members_figure(found.contributions, trials.best[1], what),
        "search": search_curve(trials.values, trials.steps, what),
    }
    for name, figure in figures.items():
        client.log_figure(run_id, figure, f"figures/{name}.png")
    found_by = (
        f"{options.strategy} over {len(material.models)} models of {material.dataset.name}, "
        f"{len(trials.values)} steps in {found.seconds:.0f} s, for {what} on "
        f"{len(material.files)} validation recordings."
    )
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
        _write_trials(path, trials, [m.name for m in material.models])
        client.log_artifact(run_id, str(path), "search")
    lines = [f"| {c.name} | {c.weight:.4g} | {c.share:.0%} |" for c in found.contributions]
    note = f"{found_by}\n\n| member | weight | share |\n|---|---|---|\n" + "\n".join(lines)
    client.set_tag(run_id, "mlflow.note.content", note)


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
    client: "MlflowClient",
    run_id: str,
    options: EnsembleOptions,
    material: Material,
    found: Found,
) -> str:
    """Registers the members with a weight as one model. Returns its version."""
    used = [(m, float(w)) for m, w in zip(material.models, found.weights, strict=True) if w > 0]
    members = [Member(m.name, w, m.model_version, m.run_id) for m, w in used]
    folders = [
        registry.load_registered(client, f"models:/birdml-{m.name}/{m.model_version}") / m.name
        for m, _ in used
    ]
    tags = {key: f"{value:.6f}" for key, value in found.scores.items()} | {
        "birdml.dataset": material.dataset.name,
        "birdml.dataset_digest": material.dataset.digest,
        "birdml.strategy": options.strategy,
    }
    if found.crossfit is not None:
        tags["crossfit_map"] = f"{found.crossfit.map:.6f}"
        tags["crossfit_map_bg"] = f"{found.crossfit.map_bg:.6f}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "combination"
        save_combination(folder, options.name, members, folders)
        return log_and_register(client, run_id, folder, options.name, tags)
