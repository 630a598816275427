"""`train` over the machines of a Ray cluster: one task for each model, after those it needs.

Ray places, retries and waits; who trains what is still decided by the claims in the tracking
store, so that tasks, other commands and what a lost machine leaves behind don't meet.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from birdml import __version__, log
from birdml.dataset.opening import open_dataset
from birdml.errors import UserError
from birdml.jobs.in_turn import train_models
from birdml.jobs.live_table import LiveTable
from birdml.jobs.request import TrainOptions, TrainRequest
from birdml.machine import pick_device
from birdml.tracking import experiments, store
from birdml.tracking.interrupts import interrupt_on_termination
from birdml.tracking.ledger import StoreLedger
from birdml.tracking.processes import machine
from birdml.training.zoo_run import Outcome
from birdml.zoo.parts import Hearing
from birdml.zoo.recipe import Recipe

if TYPE_CHECKING:
    from birdml.tracking.client import Store

RETRIES = 20  # of a task whose worker was lost; what fails by itself is not tried again
REFRESH_SECONDS = 3.0
CHECK_SECONDS = 120.0  # for every machine to answer
INTERRUPT_SECONDS = 20.0  # for the tasks to mark their runs
PASSED_ON = ("MLFLOW_", "AWS_", "AZURE_", "GOOGLE_")  # tracking server, experiment, object stores


@dataclass(frozen=True)
class TrainTask:
    """What a task needs to know; everything else it reads on the machine that it runs on."""

    dataset: str  # absolute path
    digest: str
    recipes: Mapping[str, Recipe]
    identities: Mapping[str, str]
    seed: int
    device: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class MachineReport:
    """What a machine says of itself before anything is trained on it."""

    machine: str
    node: str
    problem: str = ""


def train_on_ray(
    options: TrainOptions, request: TrainRequest, client: "Store", ledger: StoreLedger
) -> dict[str, Outcome]:
    """Trains the models of a request as tasks of the cluster that RAY_ADDRESS names.

    Without RAY_ADDRESS it is the cluster of this machine, or one that lasts as long as the command.
    Raises UserError where Ray is not installed or not there, or where a machine does not see the
    dataset, the tracking store or the same birdml.
    """
    ray = connected()
    task = TrainTask(
        dataset=str(request.dataset.folder.resolve()),
        digest=request.dataset.digest,
        recipes=dict(request.recipes),
        identities=dict(request.identities),
        seed=request.seed,
        device=options.device,
        environment=_environment(),
    )
    _check_machines(ray, task)
    has_gpus = bool(ray.cluster_resources().get("GPU"))
    remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_train_one)
    experiments.experiment_id(client)  # made here: its artifacts lie relative to the maker's folder
    # Outcomes are small and stay with us: a lost machine takes none of them along.
    pending: dict[str, Any] = {}
    for name, recipe in request.recipes.items():  # needs come first
        needed = {need: pending[need] for need in recipe.needs}
        gpus = gpus_of(recipe, options.gpus_per_model) if has_gpus else 0
        asked = remote.options(name=name, num_gpus=gpus)
        pending[name] = asked.remote(task, name, *needed.values())
    return _gathered(ray, pending, request, LiveTable(client, request))


def gpus_of(recipe: Recipe, per_model: float) -> float:
    """What the training of a model takes of a GPU: nothing where it does not listen.

    The steps of such models are so small that a CPU is through with them before a GPU has them.
    """
    return per_model if isinstance(recipe, Hearing) else 0.0


def connected() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise UserError(
            "executor=ray needs Ray, here and on every machine: pip install birdml[ray]"
        ) from None
    if not ray.is_initialized():
        try:
            ray.init(logging_level=logging.WARNING, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            where = os.environ.get("RAY_ADDRESS", "this machine")
            raise UserError(
                f"no Ray cluster answers at {where} ({str(error).splitlines()[0]}); start one with "
                "`ray start --head`, or unset RAY_ADDRESS"
            ) from None
        interrupt_on_termination()  # Ray has put its own answer to SIGTERM in place of ours
    return ray


def _environment() -> dict[str, str]:
    """What a task needs of ours; the path of a SQLite file is the same from any folder."""
    found = {key: v for key, v in os.environ.items() if key.startswith(PASSED_ON)}
    found.pop("MLFLOW_RUN_ID", None)
    found["MLFLOW_TRACKING_URI"] = store.tracking_uri()
    local = "sqlite:///"
    if found["MLFLOW_TRACKING_URI"].startswith(local):
        path = Path(found["MLFLOW_TRACKING_URI"].removeprefix(local)).resolve()
        found["MLFLOW_TRACKING_URI"] = f"{local}{path}"
    return found


def _is_local(uri: str) -> bool:
    return uri.split(":")[0] in ("sqlite", "file") or "://" not in uri


def _check_machines(ray: Any, task: TrainTask) -> None:
    """Asks every machine what it sees; UserError, all in one line, where that is not enough."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node for node in ray.nodes() if node["Alive"]]
    asked = {
        ray.remote(num_cpus=0, max_retries=2)(_look_around)
        .options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False))
        .remote(task, node["NodeManagerAddress"]): node["NodeManagerAddress"]
        for node in nodes
    }
    ready, silent = ray.wait(list(asked), num_returns=len(asked), timeout=CHECK_SECONDS)
    reports = [_answer(ray, reference, asked[reference]) for reference in ready]
    problems = [f"{a.node}: {a.problem}" for a in reports if a.problem]
    problems += [f"{asked[reference]}: does not answer" for reference in silent]
    if problems:
        raise UserError(f"not every machine of the Ray cluster can train: {'; '.join(problems)}")
    check_shared(task.environment["MLFLOW_TRACKING_URI"], {a.machine for a in reports})


def check_shared(uri: str, machines: set[str]) -> None:
    """UserError for a tracking store in a file of one machine where there are several."""
    if len(machines) > 1 and _is_local(uri):
        raise UserError(
            f"the Ray cluster has {len(machines)} machines, which cannot share the tracking store "
            f"{uri} of this one: start `mlflow server` (docs/server.md) and set "
            "MLFLOW_TRACKING_URI to its address"
        )


def _answer(ray: Any, reference: Any, node: str) -> MachineReport:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        last = str(error).strip().splitlines()[-1]
        return MachineReport("", node, f"cannot run birdml {__version__} ({last[:200]})")


def _look_around(task: TrainTask, node: str) -> MachineReport:
    """Runs on each machine: whether it sees what a training needs."""
    os.environ.update(task.environment)
    try:
        dataset = open_dataset(task.dataset)
        if dataset.digest != task.digest:
            problem = f"another dataset lies at {task.dataset}; the same is needed everywhere"
            return MachineReport(machine(), node, problem)
        if not _is_local(task.environment["MLFLOW_TRACKING_URI"]):
            store.connect()
    except UserError as error:
        return MachineReport(machine(), node, str(error))
    return MachineReport(machine(), node)


@log.shown()
def _train_one(task: TrainTask, name: str, *needed: tuple[str, Outcome]) -> tuple[str, Outcome]:
    """Runs on some machine, after what it needs: trains a model unless it is there."""
    broken = [need for need, outcome in needed if outcome.state in ("failed", "blocked")]
    if broken:
        return name, Outcome("blocked", f"needs {', '.join(broken)}")
    os.environ.update(task.environment)
    try:
        request = TrainRequest(
            dataset=open_dataset(task.dataset),
            recipes=task.recipes,
            identities=task.identities,
            seed=task.seed,
            device=pick_device(task.device),
        )
        client = store.connect()
        ledger = StoreLedger(client, request.dataset.digest, request.identities)
        return name, train_models(client, request, ledger, [name], handed=False)[name]
    except UserError as error:
        return name, Outcome("failed", str(error))


def _gathered(
    ray: Any, pending: dict[str, Any], request: TrainRequest, table: LiveTable
) -> dict[str, Outcome]:
    """Waits for all tasks and shows how far they are; ctrl-C is passed on to them."""
    outcomes: dict[str, Outcome] = {}
    left = {reference: name for name, reference in pending.items()}
    try:
        table.refresh()
        while left:
            ready, _ = ray.wait(list(left), timeout=REFRESH_SECONDS)
            for reference in ready:
                name = left.pop(reference)
                outcomes[name] = outcome_of(ray, name, pending, request.recipes)
                if outcomes[name].state in ("failed", "blocked"):
                    table.write(outcomes[name].in_words(name))
            table.refresh()
    except KeyboardInterrupt:
        for reference in left:
            ray.cancel(reference)
        ray.wait(list(left), num_returns=len(left), timeout=INTERRUPT_SECONDS)
        raise
    finally:
        table.close()
    return {name: outcomes[name] for name in pending}


def outcome_of(
    ray: Any, name: str, pending: Mapping[str, Any], recipes: Mapping[str, Recipe]
) -> Outcome:
    """What became of a model whose task is over.

    Ray gives the error of a task to those that wait for it too: these are blocked, not failed.
    """
    try:
        return ray.get(pending[name])[1]
    except ray.exceptions.RayError as error:
        needed = {need: outcome_of(ray, need, pending, recipes) for need in recipes[name].needs}
        broken = [need for need, its in needed.items() if its.state in ("failed", "blocked")]
        if broken:
            return Outcome("blocked", f"needs {', '.join(broken)}")
        cause = getattr(error, "cause", error)
        return Outcome("failed", " ".join(str(cause).split())[:300])
