"""From the material of an ensemble to its weights, and how honest and how good they are."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from birdml.ensemble.combination import combine
from birdml.ensemble.contributions import Contribution, contributions
from birdml.ensemble.honest import Crossfit, crossfit, tenths_won
from birdml.ensemble.page import Rival
from birdml.ensemble.search import Trials, search
from birdml.errors import UserError
from birdml.scoring import score
from birdml.steps.ensemble_material import Material
from birdml.tracking import registry
from birdml.tracking.arrays import load_predictions

if TYPE_CHECKING:
    from mlflow import MlflowClient


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


def find(client: "MlflowClient", options: EnsembleOptions, material: Material) -> Found:
    """Searches the weights, scores them on the recordings they were found on and cross-fitted, and
    sets them against what a user would take instead: the best model alone, a plain mean, the
    champion so far."""
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
    try:
        predictions = load_predictions(client, version.run_id, "valid")
    except UserError as error:
        print(f"{options.name} version {version.version}: not compared with: {error}")
        return None
    if predictions is None or predictions.files != material.files:
        return None
    return f"version {version.version}", predictions.logits
