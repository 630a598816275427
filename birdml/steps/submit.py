"""`submit`: from a registered model to the challenge's files, logged with the model's version."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.ensemble.combination import read_lineage
from birdml.machine import pick_device
from birdml.submission.files import MOST_CLASSES, class_limit
from birdml.submission.making import (
    Written,
    check_label_set,
    make_submission,
    silenced,
    splits_of,
)
from birdml.submission.probabilities import check_kind
from birdml.tracking import champions, experiments, own_runs, registry, store
from birdml.tracking.databases import check_takes
from birdml.tracking.dead_runs import mark_dead_runs
from birdml.zoo.saved import read_about

if TYPE_CHECKING:
    from birdml.tracking.client import Store


@dataclass(frozen=True)
class SubmitOptions:
    """What a user asks of `submit` (see `submit --help`)."""

    model: str
    dataset: str
    task: str = "all"
    edition_filter: bool = False
    max_classes: int = MOST_CLASSES
    out: str = "submission"
    probabilities: str = "softmax"
    device: str = "auto"


def submit(options: SubmitOptions) -> list[Written]:
    """Writes, checks and logs the files; prints what they hold.

    Raises UserError for a request that cannot be met, before anything is predicted.
    """
    class_limit(options.max_classes)
    check_kind(options.probabilities)
    dataset = open_dataset(options.dataset)
    splits_of(dataset, options.task)
    client = store.connect()
    experiments.check_place(client)
    check_takes(client.tracking_uri)
    mark_dead_runs(client)
    version = champions.version_meant(client, options.model, dataset.digest)
    called = f"{version.name} version {version.version}"
    folder = registry.load_registered(client, f"models:/{version.name}/{version.version}")
    _, lineage = read_lineage(folder)
    about = read_about(folder / lineage[0].name)
    check_label_set(
        [class_id for class_id, *_ in about["species"]],
        dataset,
        called,
        f"'{about['dataset_name']}'",
    )
    print(f"{called}: {', '.join(f'{m.name} x {m.weight:.3g}' for m in lineage)}")

    from birdml.steps.combined import combined_predictions

    device = pick_device(options.device)
    written = make_submission(
        options.out,
        dataset,
        options.task,
        lambda split: combined_predictions(client, folder, dataset, split, device),
        options.probabilities,
        options.edition_filter,
        options.max_classes,
    )
    _log(client, options, dataset, f"{version.name}/{version.version}", written)
    for file in written:
        _report(dataset, file)
    return written


def _log(
    client: "Store",
    options: SubmitOptions,
    dataset: Dataset,
    version: str,
    written: list[Written],
) -> None:
    tags = {
        "birdml.step": "submit",
        "birdml.dataset": dataset.name,
        "birdml.dataset_digest": dataset.digest,
        "birdml.model_version": version,
        "mlflow.note.content": f"Files for the challenge, made by **{version}** on "
        f"{dataset.name}; they lie under Artifacts, `submission/`.",
    }
    with own_runs.own_run(client, "submission", tags) as run_id:
        asked = asdict(options)
        logged = ("model", "task", "edition_filter", "max_classes", "probabilities")
        client.log_settings(run_id, {key: asked[key] for key in logged})
        for file in written:
            client.log_artifact(run_id, str(file.path), "submission")
            client.log_metric(run_id, f"lines/{file.path.stem}", file.lines)


def _report(dataset: Dataset, file: Written) -> None:
    items = "recordings" if file.split == "test" else "windows"
    print(f"{Path(file.path).resolve()}: {file.items} {items}, {file.lines} lines, no faults")
    if file.unfiltered:
        print(f"  {file.unfiltered} recordings are of no edition with a label set: not limited")
    for line in silenced(dataset, file.split):
        print(f"  could not be decoded, answered as silence: {line}")
