"""`train`: from names of models to finished runs, each trained once, whoever else trains."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from birdml.dataset.opening import open_dataset
from birdml.errors import UserError
from birdml.steps.ledger import StoreLedger, train_models
from birdml.steps.model_run import Request
from birdml.tracking import runs, store
from birdml.tracking.dead_runs import mark_dead_runs
from birdml.tracking.interrupts import interrupt_on_termination
from birdml.training.identity import identities
from birdml.training.zoo_run import Outcome
from birdml.zoo.load import load_zoo
from birdml.zoo.plan import plan

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class TrainOptions:
    """What a user asks of `train` (see `train --help`)."""

    model: str
    dataset: str
    profile: str = ""
    set: str = ""
    zoo: str = ""
    device: str = "auto"
    jobs: int = 1
    executor: str = "local"
    gpus_per_model: float = 0.25
    seed: int = 0


def prepare_request(options: TrainOptions) -> Request:
    """The request in full, with all that it needs; UserError for anything that cannot be."""
    zoo = load_zoo(options.zoo or None)
    recipes = plan(options.model, zoo, options.profile, options.set)
    if options.seed >= 1 << 63:
        raise UserError("seed has more than 64 bits")
    dataset = open_dataset(options.dataset)
    hearing = [name for name in recipes if recipes[name].takes_samples]
    if hearing and not dataset.has_audio:
        raise UserError(
            f"the dataset '{dataset.name}' has no audio, which {', '.join(hearing[:3])} "
            f"{'and others need' if len(hearing) > 3 else 'needs'}; train meta models on it "
            "(-P model=meta), or prepare it with audio"
        )
    from birdml.training.trainer import pick_device

    device = pick_device(options.device)
    return Request(
        dataset=dataset,
        recipes=recipes,
        identities=identities(recipes, dataset.digest, options.seed, device),
        seed=options.seed,
        device=device,
    )


def train(options: TrainOptions) -> dict[str, Outcome]:
    """Trains what is asked for and not there yet; prints what became of each model.

    Returns the outcome of every model and of what it needs. Raises UserError for a request that
    cannot be met.
    """
    request = prepare_request(options)
    client = store.connect()
    interrupt_on_termination()
    store.check_place(client)
    ledger = StoreLedger(client, request)
    _say_dead(client)
    names = list(request.recipes)
    if len(names) > 1:  # it can be the run of one model only
        note = f"Drove the training of {', '.join(names)}."
        store.describe_handed_run(f"train {options.model}", note, client)
    elif ledger.finished(names[0]):
        note = f"{names[0]} was there already: nothing to do."
        store.describe_handed_run(f"{names[0]} (done before)", note, client)
    if options.executor == "ray":
        from birdml.steps.ray_cluster import train_on_ray

        outcomes = train_on_ray(options, request)
    elif len(names) > 1 and (options.jobs > 1 or sys.stdout.isatty()):
        from birdml.steps.workers import train_in_workers

        outcomes = train_in_workers(options, request, client, ledger)
    else:
        outcomes = train_models(client, request, ledger, names, store.handed_run() is not None)
    _say_dead(client)  # elsewhere: their hearts stood still all the while
    print_summary(client, request, outcomes)
    return outcomes


def _say_dead(client: "MlflowClient") -> None:
    for name in mark_dead_runs(client):
        print(f"{name}: an earlier run died and is marked as killed", flush=True)


COLUMNS = ("map", "map_bg", "top1", "top5")


def print_summary(
    client: "MlflowClient", request: Request, outcomes: Mapping[str, Outcome]
) -> None:
    """A table of the models asked for: state, figures, epochs, minutes."""
    done = runs.FinishedRuns(client, request.dataset.digest).by_identity()
    print(f"\n{'model':<12}{'state':<10}" + "".join(f"{c:>8}" for c in COLUMNS), end="")
    print(f"{'epochs':>8}{'minutes':>9}")
    for name, outcome in outcomes.items():
        run = done.get(request.identities[name])
        figures = run.data.metrics if run else {}
        print(f"{name:<12}{outcome.state:<10}", end="")
        print("".join(_cell(figures.get(c), ".3f", 8) for c in COLUMNS), end="")
        print(_cell(figures.get("training/epochs"), ".0f", 8), end="")
        print(_cell(figures.get("cost/minutes"), ".1f", 9))


def _cell(value: float | None, form: str, width: int) -> str:
    return f"{'-' if value is None else format(value, form):>{width}}"


def failures(outcomes: Mapping[str, Outcome]) -> Sequence[str]:
    """The models that were not trained."""
    return [name for name, o in outcomes.items() if o.state in ("failed", "blocked")]
