"""`ensemble`: from the runs of a dataset's models to one registered model, with honest scores."""

import csv
import hashlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from birdml.dataset.prepared import Dataset, open_dataset
from birdml.ensemble.combination import Member, combine, save_combination
from birdml.ensemble.contributions import Contribution, contributions
from birdml.ensemble.honest import Crossfit, crossfit, tenths_won
from birdml.ensemble.objective import CRITERIA, Objective, stack
from birdml.ensemble.page import Rival, page
from birdml.ensemble.registration import log_and_register
from birdml.ensemble.search import STRATEGIES, Trials, search
from birdml.errors import UserError
from birdml.figures.ensemble import members as members_figure
from birdml.figures.ensemble import search_curve
from birdml.scoring import score
from birdml.tracking import registry, runs, store
from birdml.tracking.arrays import load_predictions, log_predictions
from birdml.tracking.runs import TrackedModel

if TYPE_CHECKING:
    from mlflow import MlflowClient

VALUE_NAMES = {"fg+bg": "MAP + MAP-bg", "fg": "MAP", "bg": "MAP-bg"}


@dataclass(frozen=True)
class EnsembleOptions:
    """What a user asks of `ensemble` (see `ensemble --help`)."""

    dataset: str
    models: str = "all"
    strategy: str = "hyperopt"
    criterion: str = "fg+bg"
    evaluations: int = 1000
    name: str = "birdml-ensemble"
    seed: int = 1
    refine: bool = True


@dataclass(frozen=True)
class Material:
    """The models of an ensemble to be, and what they answered for the validation recordings."""

    dataset: Dataset
    models: list[TrackedModel]
    objective: Objective
    files: list[str]


@dataclass(frozen=True)
class Found:
    """What a search came to: weights float64 [K], logits float32 [N, C] and all figures."""

    trials: Trials
    weights: np.ndarray
    logits: np.ndarray
    scores: dict[str, float]
    crossfit: Crossfit | None
    contributions: list[Contribution]
    rivals: list[Rival]
    seconds: float


def ensemble(options: EnsembleOptions) -> str:
    """Searches, scores, logs and registers; prints the result. Returns the run's id.

    Does nothing where the very same ensemble is there already. Raises UserError for a request that
    cannot be met.
    """
    if options.strategy not in STRATEGIES:
        raise UserError(f"strategy='{options.strategy}'; it can be {', '.join(STRATEGIES)}")
    if options.criterion not in CRITERIA:
        raise UserError(f"criterion='{options.criterion}'; it can be {', '.join(CRITERIA)}")
    if options.evaluations < 1:
        raise UserError(f"evaluations={options.evaluations}; it must be at least 1")
    dataset = open_dataset(options.dataset)
    client = store.connect()
    models = chosen_models(client, dataset, options.models)
    _check_name(options.name)
    identity = _identity(options, dataset, models)
    there = runs.finished_run(client, identity)
    if there is not None:
        note = f"{options.name} version {there.model_version} is this very ensemble: nothing to do."
        store.describe_handed_run(f"{options.name} (done before)", note, client)
        print(f"{options.name} version {there.model_version} is this very ensemble: nothing to do")
        return there.run_id
    material = load_material(client, dataset, models)
    tags = {
        "birdml.model": options.name,
        "birdml.family": "ensemble",
        "birdml.dataset": dataset.name,
        "birdml.dataset_digest": dataset.digest,
        "birdml.identity": identity,
    }
    with store.own_run(client, options.name, tags) as run_id:
        _log_settings(client, run_id, options, material)
        found = _find(client, options, material)
        _log(client, run_id, options, material, found)
        version = _register(client, run_id, options, material, found)
        champion = registry.crown(client, options.name, version, found.scores)
        client.set_tag(run_id, "birdml.model_version", version)
    _print(options, found, version, champion)
    return run_id


def chosen_models(client: "MlflowClient", dataset: Dataset, asked: str) -> list[TrackedModel]:
    """The registered models that are meant: `all`, families, names, patterns, with commas.

    Raises UserError where there are none, and names those that belong to another dataset.
    """
    there = runs.finished_models(client, dataset.digest)
    chosen: set[str] = set()
    unknown = []
    for word in (word.strip() for word in asked.split(",") if word.strip()):
        found = {m.name for m in there if word in ("all", m.family) or fnmatch(m.name, word)}
        chosen |= found
        if not found:
            unknown.append(word)
    if unknown and there:
        raise UserError(
            f"no registered model of '{dataset.name}' is {_with_reasons(client, unknown)}; "
            f"there are {', '.join(m.name for m in there)}"
        )
    if not chosen:
        raise UserError(
            f"no registered models of the dataset '{dataset.name}'"
            f"{f' ({_with_reasons(client, unknown)})' if unknown and asked != 'all' else ''}: "
            "train some first (-e train -P model=...)"
        )
    return [model for model in there if model.name in chosen]


def _with_reasons(client: "MlflowClient", words: Sequence[str]) -> str:
    """The words, each with the dataset that it was trained on where it is another one."""
    said = []
    for word in words:
        found = runs.search(client, f"tags.`birdml.model` = '{word.replace(chr(39), '')}'")
        others = {run.data.tags.get("birdml.dataset", "another dataset") for run in found}
        said.append(f"{word} (trained on {', '.join(sorted(others))})" if others else word)
    return ", ".join(said)


def _check_name(name: str) -> None:
    from birdml.zoo.load import load_zoo

    if not name.replace("-", "").replace("_", "").isalnum():
        raise UserError(f"name='{name}': letters, digits, '-' and '_' make a name")
    if name.removeprefix("birdml-") in load_zoo():
        raise UserError(f"name='{name}' is that of a single model; choose another")


def _identity(options: EnsembleOptions, dataset: Dataset, models: list[TrackedModel]) -> str:
    asked = asdict(options) | {"dataset": dataset.digest, "models": [m.run_id for m in models]}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def load_material(client: "MlflowClient", dataset: Dataset, models: list[TrackedModel]) -> Material:
    """Reads the validation logits of all models, in the dataset's order.

    Raises UserError that lists every model whose logits are missing or do not fit.
    """
    recordings = dataset.split("valid")
    if not recordings:
        raise UserError(f"the dataset '{dataset.name}' has no validation recordings")
    files = [recording.file for recording in recordings]
    problems = []

    def arrays():
        for model in tqdm(models, desc="reading predictions", disable=None, leave=False):
            try:
                yield _logits(client, model, files, len(dataset.classes))
            except UserError as error:
                problems.append(str(error))
                yield np.zeros((len(files), len(dataset.classes)), np.float32)

    logits = stack(arrays(), len(models))
    if problems:
        raise UserError("; ".join(problems))
    objective = Objective.of_all(
        logits, dataset.foreground(recordings), dataset.present(recordings)
    )
    return Material(dataset, models, objective, files)


def _logits(
    client: "MlflowClient", model: TrackedModel, files: list[str], classes: int
) -> np.ndarray:
    predictions = load_predictions(client, model.run_id, "valid")
    if predictions is None:
        raise UserError(
            f"{model.name} has no predictions for valid: make them with predict, model={model.name}"
        )
    logits = predictions.logits
    if logits.ndim != 2 or logits.shape[1] != classes:
        raise UserError(
            f"{model.name} has another label set: {logits.shape[-1]} species, not {classes}"
        )
    if predictions.files != files:
        row_of = {name: row for row, name in enumerate(predictions.files)}
        if not all(file in row_of for file in files):
            raise UserError(f"{model.name} has predictions of other recordings: predict again")
        logits = logits[[row_of[file] for file in files]]
    if not np.isfinite(logits).all():
        raise UserError(f"{model.name} has predictions that are no numbers: train it again")
    return logits


def _find(client: "MlflowClient", options: EnsembleOptions, material: Material) -> Found:
    objective = material.objective
    begin = time.monotonic()
    with tqdm(desc="search", unit="trial", disable=None) as bar:

        def report(count: int, best: float) -> None:
            bar.set_postfix(best=f"{best:.4f}", refresh=False)
            bar.update()

        how = (options.strategy, options.criterion, options.evaluations, options.seed)
        trials = search(objective, *how, options.refine, report)
        seconds = time.monotonic() - begin
        bar.set_description("cross-fit")
        honest = crossfit(
            objective, *how, options.refine, lambda count, best: bar.update() and None
        )
    weights = trials.best[0] / trials.best[0].sum()
    used = np.flatnonzero(weights)
    logits = combine([objective.logits[k] for k in used], weights[used])
    return Found(
        trials=trials,
        weights=weights,
        logits=logits,
        scores=score(logits, objective.foreground, objective.present),
        crossfit=honest,
        contributions=contributions(
            objective,
            weights,
            [m.name for m in material.models],
            [m.family for m in material.models],
            options.criterion,
        ),
        rivals=_rivals(client, options, material, objective.terms_of(logits), honest),
        seconds=seconds,
    )


def _rivals(
    client: "MlflowClient",
    options: EnsembleOptions,
    material: Material,
    ours: tuple[np.ndarray, np.ndarray],
    honest: Crossfit | None,
) -> list[Rival]:
    objective, criterion = material.objective, options.criterion
    singles = [objective.value(one, criterion) for one in np.eye(objective.models)]
    best = int(np.argmax(singles))
    theirs = {
        f"best single model ({material.models[best].name})": objective.terms(
            np.eye(objective.models)[best]
        ),
        "plain mean of all": objective.terms(np.ones(objective.models)),
    }
    champion = _champion_logits(client, options, material)
    if champion is not None:
        name, logits = champion
        theirs = {f"champion so far ({name})": objective.terms_of(logits), **theirs}
    return [
        Rival(
            name,
            *objective.means(terms),
            tenths_won(ours, terms, criterion),
            None if honest is None else tenths_won(honest.terms, terms, criterion),
        )
        for name, terms in theirs.items()
    ]


def _champion_logits(
    client: "MlflowClient", options: EnsembleOptions, material: Material
) -> tuple[str, np.ndarray] | None:
    """Version and validation logits of the ensemble that holds the alias on this dataset."""
    try:
        version = registry.resolve(client, f"models:/{options.name}@{registry.CHAMPION}")
    except UserError:
        return None
    if version.tags.get("birdml.dataset_digest") != material.dataset.digest or not version.run_id:
        return None
    predictions = load_predictions(client, version.run_id, "valid")
    if predictions is None or predictions.files != material.files:
        return None
    return f"version {version.version}", predictions.logits


def _log_settings(
    client: "MlflowClient", run_id: str, options: EnsembleOptions, material: Material
) -> None:
    settings = asdict(options) | {"members": ",".join(m.name for m in material.models)}
    for key, value in settings.items():
        client.log_param(run_id, f"cfg.{key}", str(value)[:6000])


def _log(
    client: "MlflowClient",
    run_id: str,
    options: EnsembleOptions,
    material: Material,
    found: Found,
) -> None:
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


def _register(
    client: "MlflowClient",
    run_id: str,
    options: EnsembleOptions,
    material: Material,
    found: Found,
) -> str:
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


def _print(options: EnsembleOptions, found: Found, version: str, champion: bool) -> None:
    print(f"{'member':<14}{'weight':>9}{'share':>8}{'alone':>9}{'without':>9}{'so far':>9}")
    for c in found.contributions:
        print(f"{c.name:<14}{c.weight:>9.4f}{c.share:>8.1%}", end="")
        print(f"{c.alone:>9.4f}{c.without:>9.4f}{c.so_far:>9.4f}")
    print(f"\n{'':<42}{'MAP':>7}{'MAP-bg':>8}  tenths won")
    print(f"{'ensemble':<42}{found.scores['map']:>7.3f}{found.scores['map_bg']:>8.3f}")
    if found.crossfit is not None:
        print(f"{'  weights found on other recordings':<42}", end="")
        print(f"{found.crossfit.map:>7.3f}{found.crossfit.map_bg:>8.3f}")
    for rival in found.rivals:
        print(f"{rival.name:<42}{rival.map:>7.3f}{rival.map_bg:>8.3f}  {rival.won} of 50")
    print(f"\nsearch: {len(found.trials.values)} steps in {found.seconds:.1f} s")
    holds = "champion" if champion else "no better than the champion, which stays"
    print(f"{options.name} version {version}: {holds}")
