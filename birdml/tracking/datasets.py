"""Which dataset a run used, where MLflow shows it: in the table of runs and on the run's page."""

import json
from typing import TYPE_CHECKING

from birdml.dataset.prepared import Dataset

if TYPE_CHECKING:
    from birdml.tracking.client import Store


def log_dataset(client: "Store", run_id: str, dataset: Dataset, context: str) -> None:
    """Logs a dataset as an input of a run; `context` is `training` or `validation`."""
    from mlflow.entities import Dataset as Entity
    from mlflow.entities import DatasetInput, InputTag

    counts = {"recordings": len(dataset.recordings), "species": len(dataset.classes)}
    entity = Entity(
        name=dataset.name,
        digest=dataset.digest[:36],
        source_type="local",
        source=json.dumps({"uri": dataset.folder.name}),
        profile=json.dumps(counts),
    )
    used = DatasetInput(entity, [InputTag("mlflow.data.context", context)])
    client.log_inputs(run_id, [used])
