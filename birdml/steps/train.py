"""`train`: from names of models to finished runs, each trained once, whoever else trains."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from birdml.jobs.executors import executor_of
from birdml.jobs.request import TrainOptions, TrainRequest, prepare_request
from birdml.screen import figure, table_text
from birdml.tracking import experiments, own_runs, runs, store
from birdml.tracking.dead_runs import mark_dead_runs
from birdml.tracking.interrupts import interrupt_on_termination
from birdml.tracking.ledger import StoreLedger
from birdml.training.zoo_run import Outcome

if TYPE_CHECKING:
    from birdml.tracking.client import Store


def train(options: TrainOptions) -> dict[str, Outcome]:
    """Trains what is asked for and not there yet; prints what became of each model.

    Returns the outcome of every model and of what it needs. Raises UserError for a request that
    cannot be met.
    """
    request = prepare_request(options)
    client = store.connect()
    interrupt_on_termination()
    experiments.check_place(client)
    ledger = StoreLedger(client, request.dataset.digest, request.identities)
    _say_dead(client)
    names = list(request.recipes)
    if len(names) > 1:  # it can be the run of one model only
        note = f"Drove the training of {', '.join(names)}."
        own_runs.describe_handed_run(f"train {options.model}", note, client)
    elif ledger.finished(names[0]):
        note = f"{names[0]} was there already: nothing to do."
        own_runs.describe_handed_run(f"{names[0]} (done before)", note, client)
    outcomes = executor_of(options, len(names))(options, request, client, ledger)
    _say_dead(client)  # elsewhere: their hearts stood still all the while
    print_summary(client, request, outcomes)
    return outcomes


def _say_dead(client: "Store") -> None:
    for name in mark_dead_runs(client):
        print(f"{name}: an earlier run died and is marked as killed", flush=True)


COLUMNS = ("map", "map_bg", "top1", "top5")


def print_summary(client: "Store", request: TrainRequest, outcomes: Mapping[str, Outcome]) -> None:
    """A table of the models asked for: state, figures, epochs, minutes."""
    done = runs.FinishedRuns(client, request.dataset.digest).by_identity()
    rows = []
    for name, outcome in outcomes.items():
        run = done.get(request.identities[name])
        figures = run.data.metrics if run else {}
        cells = [figure(figures.get(column)) for column in COLUMNS]
        cells.append(figure(figures.get("training/epochs"), ".0f"))
        rows.append((name, outcome.state, *cells, figure(figures.get("cost/minutes"), ".1f")))
    heads = ("model", "state", *COLUMNS, "epochs", "minutes")
    print(f"\n{table_text(heads, rows, '<<' + '>' * (len(heads) - 2))}")


def failures(outcomes: Mapping[str, Outcome]) -> Sequence[str]:
    """The models that were not trained."""
    return [name for name, o in outcomes.items() if o.state in ("failed", "blocked")]
