"""The run of a training: opened, or gone on with; what was asked, and on which dataset."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from birdml.dataset.prepared import Dataset
from birdml.tracking import own_runs, runs
from birdml.tracking.datasets import log_dataset

if TYPE_CHECKING:
    from birdml.tracking.client import Store


def open_training(
    client: "Store",
    tags: dict[str, str],
    settings: Mapping[str, object],
    dataset: Dataset,
    handed: bool,
) -> str:
    """The run of a training: the unfinished one of the same request, else a new one.

    `tags` name model (`birdml.model`) and request (`birdml.identity`). `handed`: use the run that
    `mlflow run` opened, where there is no unfinished one.
    """
    name = tags["birdml.model"]
    unfinished = runs.unfinished_runs(client, tags["birdml.identity"])
    if not unfinished:
        run_id = own_runs.open_run(client, name, tags, handed)
        log_request(client, run_id, settings, dataset)
        return run_id
    run = unfinished[0]
    run_id = run.info.run_id
    if handed:
        note = f"{name} went on in its unfinished run {run_id}."
        own_runs.describe_handed_run(f"{name} (goes on elsewhere)", note, client)
    client.update_run(run_id, status="RUNNING")
    if "birdml.error" in run.data.tags:
        client.delete_tag(run_id, "birdml.error")
    if not (run.inputs and run.inputs.dataset_inputs):  # killed before all was written down
        log_request(client, run_id, settings, dataset)
    return run_id


def log_request(
    client: "Store", run_id: str, settings: Mapping[str, object], dataset: Dataset
) -> None:
    """Settings and dataset of a training into its run; the dataset last: then all is there."""
    client.log_settings(run_id, settings)
    log_dataset(client, run_id, dataset, "training")
