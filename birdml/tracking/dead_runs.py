"""Runs whose process is gone: marked as KILLED at the next start, not RUNNING for ever."""

import logging
from typing import TYPE_CHECKING

from birdml.tracking import own_runs, runs, store
from birdml.tracking.claims import Claims
from birdml.tracking.handed import handed_run, runs_handed
from birdml.tracking.processes import gone, this_process

if TYPE_CHECKING:
    from mlflow.entities import Run

    from birdml.tracking.client import Store

logger = logging.getLogger(__name__)


def hold_handed_run() -> None:
    """Writes into the run that `mlflow run` opened which process is at work on it, and marks dead
    runs. Raises UserError for a run that is none for us, before any work.
    """
    client = store.connect()
    run_id = handed_run()
    if run_id is None:
        return
    client.set_tag(run_id, own_runs.PROCESS, this_process())
    for name in mark_dead_runs(client):
        logger.warning("%s: an earlier run died and is marked as killed", name)


def end_handed_runs() -> None:
    """Marks what `mlflow run` opened for this process as KILLED, unless it has ended."""
    client = store.connect()
    for run_id in runs_handed():
        if client.get_run(run_id).info.status == "RUNNING":
            client.set_terminated(run_id, "KILLED")


def mark_dead_runs(client: "Store") -> list[str]:
    """Marks dead runs of every step, and says which by the names of their runs.

    A training or a search lives as long as its claim; other steps, as long as their process, which
    only its own machine can tell.
    """
    dead = []
    all_claims: dict[str, Claims] = {}
    for run in runs.search(client, "attributes.status = 'RUNNING'"):
        if run.info.run_id == handed_run() or _lives(client, run, all_claims):
            continue
        # Whoever ended well said so before giving the claim up, perhaps since we searched.
        if client.get_run(run.info.run_id).info.status == "RUNNING":
            client.set_terminated(run.info.run_id, "KILLED")
            dead.append(run.data.tags.get("birdml.model") or run.info.run_name)
    return dead


def _lives(client: "Store", run: "Run", all_claims: dict[str, Claims]) -> bool:
    tags = run.data.tags
    identity, digest = tags.get("birdml.identity"), tags.get("birdml.dataset_digest")
    if identity and digest:
        if digest not in all_claims:
            all_claims[digest] = Claims(client, digest)
        return all_claims[digest].living(identity)
    process = tags.get(own_runs.PROCESS)
    return not process or not gone(process)
