"""From candidates, which are registered models of a dataset, to weights and their figures."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from birdml.dataset.prepared import Dataset
from birdml.ensemble.combination import combine
from birdml.ensemble.contributions import Contribution, contributions
from birdml.ensemble.crossfit import Crossfit, crossfit, tenths_won
from birdml.ensemble.objective import Objective, stack
from birdml.ensemble.page import Rival
from birdml.ensemble.search import Trials, search
from birdml.errors import UserError
from birdml.scoring import score
from birdml.steps.combined import combined_predictions
from birdml.tracking import registry
from birdml.tracking.arrays import load_predictions
from birdml.tracking.runs import TrackedModel

if TYPE_CHECKING:
    from birdml.tracking.client import Store


@dataclass(frozen=True)
class EnsembleOptions:
    """What a user asks of `ensemble` (see `ensemble --help`)."""

    dataset: str
    models: str = "all"
    strategy: str = "hyperopt"
    criterion: str = "fg+bg"
    evaluations: int = 1000
    name: str = "birdml-ensemble"
    seed: int = 0
    refine: bool = True


@dataclass(frozen=True)
class Candidates:
    """Models that an ensemble may be made of, and their answers for the validation recordings."""

    dataset: Dataset
    models: list[TrackedModel]
    objective: Objective
    files: list[str]


def load_candidates(client: "Store", dataset: Dataset, models: list[TrackedModel]) -> Candidates:
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
                yield _logits(client, dataset, model, files)
            except UserError as error:
                problems.append(str(error))
                yield np.zeros((len(files), len(dataset.classes)), np.float32)

    logits = stack(arrays(), len(models))
    if problems:
        raise UserError("; ".join(problems))
    objective = Objective.of_all(
        logits, dataset.foreground(recordings), dataset.present(recordings)
    )
    return Candidates(dataset, models, objective, files)


def _logits(client: "Store", dataset: Dataset, model: TrackedModel, files: list[str]) -> np.ndarray:
    classes = len(dataset.classes)
    try:
        predictions = load_predictions(client, model.run_id, "valid")
    except UserError:  # damaged: said, and predicted anew, by what reads it again
        uri = f"models:/birdml-{model.name}/{model.model_version}"
        folder = registry.load_registered(client, uri)
        predictions = combined_predictions(client, folder, dataset, "valid")
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


def find(client: "Store", options: EnsembleOptions, candidates: Candidates) -> Found:
    """Searches the weights, scores them on the recordings they were found on and cross-fitted, and
    sets them against what a user would take instead: the best model alone, a plain mean, the
    champion so far."""
    objective = candidates.objective
    begin = time.monotonic()
    with tqdm(desc="search", unit="trial", disable=None) as bar:

        def report(count: int, best: float) -> None:
            bar.set_postfix(best=f"{best:.4f}", refresh=False)
            bar.update()

        how = (options.strategy, options.criterion, options.evaluations, options.seed)
        trials = search(objective, *how, options.refine, report)
        seconds = time.monotonic() - begin
        bar.set_description("cross-fit")
        crossfitted = crossfit(
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
        crossfit=crossfitted,
        contributions=contributions(
            objective,
            weights,
            [m.name for m in candidates.models],
            [m.family for m in candidates.models],
            options.criterion,
        ),
        rivals=_rivals(client, options, candidates, objective.terms_of(logits), crossfitted),
        seconds=seconds,
    )


def _rivals(
    client: "Store",
    options: EnsembleOptions,
    candidates: Candidates,
    ours: tuple[np.ndarray, np.ndarray],
    crossfitted: Crossfit | None,
) -> list[Rival]:
    objective, criterion = candidates.objective, options.criterion
    singles = [objective.value(one, criterion) for one in np.eye(objective.models)]
    best = int(np.argmax(singles))
    theirs = {
        f"best single model ({candidates.models[best].name})": objective.terms(
            np.eye(objective.models)[best]
        ),
        "plain mean of all": objective.terms(np.ones(objective.models)),
    }
    champion = _champion_logits(client, options, candidates)
    if champion is not None:
        name, logits = champion
        theirs = {f"champion so far ({name})": objective.terms_of(logits), **theirs}
    return [
        Rival(
            name,
            *objective.means(terms),
            tenths_won(ours, terms, criterion),
            None if crossfitted is None else tenths_won(crossfitted.terms, terms, criterion),
        )
        for name, terms in theirs.items()
    ]


def _champion_logits(
    client: "Store", options: EnsembleOptions, candidates: Candidates
) -> tuple[str, np.ndarray] | None:
    """Version and validation logits of the ensemble that holds the alias on this dataset."""
    try:
        version = registry.resolve(client, f"models:/{options.name}@{registry.CHAMPION}")
    except UserError:
        return None
    if version.tags.get("birdml.dataset_digest") != candidates.dataset.digest or not version.run_id:
        return None
    try:
        predictions = load_predictions(client, version.run_id, "valid")
    except UserError as error:
        print(f"{options.name} version {version.version}: not compared with: {error}")
        return None
    if predictions is None or predictions.files != candidates.files:
        return None
    return f"version {version.version}", predictions.logits
