"""What a model's name means, in every command: its champion, unless a version is named.

A name such as `meta3` means its champion: the version that holds the alias `champion`, or, where
that was made on another dataset than the one at hand, the best on it (map + map_bg). `meta3@2` is
version 2.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from birdml.dataset.prepared import Dataset
from birdml.errors import UserError
from birdml.tracking import registry
from birdml.tracking.experiments import all_experiments
from birdml.tracking.runs import (
    ENSEMBLE,
    ORDER,
    TrackedModel,
    by_ids,
    finished_on,
    search,
    tracked,
)

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

    from birdml.tracking.client import Store

logger = logging.getLogger(__name__)
SHOWN = 3  # runs that were passed over, in one line
PAGE = 100  # runs in one answer of a store


def champions(
    client: "Store",
    dataset_digest: str,
    names: Collection[str] | None = None,
    ensembles: bool = False,
) -> list[TrackedModel]:
    """The champion of each model on a dataset, audio first, by number.

    Only versions whose run is there and finished count; what the registry has lost is registered
    again from its run. `names`: these models only.
    """
    there, passed_over = _champions(client, dataset_digest)
    for line in passed_over:
        logger.warning("%s", line)
    wanted = [m for m in there if ensembles or m.family != ENSEMBLE]
    return [m for m in wanted if names is None or m.name in names]


def _champions(client: "Store", dataset_digest: str) -> tuple[list[TrackedModel], list[str]]:
    """All champions in order, ensembles too, and a line for each run that was passed over."""
    told: dict[str, str] = {}
    best = _best_of(client, dataset_digest, told)
    for model in _lost(client, dataset_digest, best, told):
        best.setdefault(model.name, model)
    return sorted(best.values(), key=_order), list(told.values())


def meant(
    client: "Store", dataset: Dataset, asked: str, ensembles: bool = False
) -> list[TrackedModel]:
    """The registered models of a dataset that are meant: `all`, families, names, patterns, and
    `name@version`, with commas.

    Raises UserError, with what there is, for a word that means none, and for two versions of one
    model.
    """
    found_all, passed_over = _champions(client, dataset.digest)
    there = [m for m in found_all if ensembles or m.family != ENSEMBLE]
    if not there and passed_over:
        raise UserError(
            f"no registered model of the dataset '{dataset.name}' can be used: "
            f"{'; '.join(passed_over[:SHOWN])}{'; ...' if len(passed_over) > SHOWN else ''}"
        )
    for line in passed_over:
        logger.warning("%s", line)
    chosen: dict[str, TrackedModel] = {}
    unknown = []
    for word in (word.strip() for word in asked.split(",") if word.strip()):
        if "@" in word:
            found = [_version(client, dataset, word, ensembles)]
        else:
            found = [m for m in there if word in ("all", m.family) or fnmatch(m.name, word)]
        if not found:
            unknown.append(word)
        for model in found:
            if chosen.setdefault(model.name, model).model_version != model.model_version:
                raise UserError(
                    f"'{asked}' means two versions of {model.name}: "
                    f"{chosen[model.name].model_version} and {model.model_version}; name one"
                )
    if unknown and there:
        raise UserError(
            f"no registered model of '{dataset.name}' is {_with_reasons(client, unknown)}; "
            f"there are {', '.join(m.name for m in there)}"
        )
    if not chosen:
        reasons = _with_reasons(client, [word for word in unknown if word != "all"])
        raise UserError(
            f"no registered models of the dataset '{dataset.name}'"
            f"{f' ({reasons})' if reasons else ''}: train some first (-e train -P model=...)"
        )
    return sorted(chosen.values(), key=_order)


def version_meant(client: "Store", model: str, dataset_digest: str = "") -> "ModelVersion":
    """The version in the registry that a URI, `name` or `name@version` means.

    Raises UserError, with what there is, where that is nothing.
    """
    if not model.startswith("models:/") and "@" not in model and dataset_digest:
        name = registry.full_name(model)
        own = _champion_of(client, name, _versions(client, dataset_digest, name).get(name, []))
        if own:
            return own[0]
    try:
        return registry.resolve(client, model)
    except UserError:
        named = model.removeprefix("models:/").removesuffix(f"@{registry.CHAMPION}")
        if not dataset_digest or "@" in named or "/" in named:
            raise
        _champions(client, dataset_digest)  # the registry may have lost it: registered again
        return registry.resolve(client, model)


def _versions(
    client: "Store", dataset_digest: str, name: str = ""
) -> "dict[str, list[ModelVersion]]":
    """The versions that were made on a dataset, by the name of their model; of one model only.

    Of one run only the newest: its older ones are the same without a calibration.
    """
    found: dict[str, dict[str, ModelVersion]] = defaultdict(dict)
    token = None
    query = f"tags.`birdml.dataset_digest` = '{dataset_digest}'"
    if name:
        query += f" and name = '{name}'"
    while True:
        page = client.search_model_versions(query, page_token=token)
        for version in page:
            of_run = found[version.name]
            key = version.run_id or f"version {version.version}"
            if key not in of_run or int(of_run[key].version) < int(version.version):
                of_run[key] = version
        token = page.token
        if not token:
            return {name: list(of_run.values()) for name, of_run in found.items()}


def _champion_of(
    client: "Store", name: str, versions: "list[ModelVersion]"
) -> "list[ModelVersion]":
    """Versions of one model on one dataset, the champion first, the others from the best on."""
    ordered = sorted(versions, key=lambda v: (-registry.quality(v.tags), int(v.version)))
    if len(ordered) > 1:
        holder = registry.holder(client, name)
        ordered.sort(key=lambda v: holder is None or str(v.version) != holder)
    return ordered


def _best_of(client: "Store", dataset_digest: str, told: dict[str, str]) -> dict[str, TrackedModel]:
    versions = _versions(client, dataset_digest)
    waiting = {name: _champion_of(client, name, own) for name, own in versions.items()}
    best: dict[str, TrackedModel] = {}
    while waiting:
        first = {name: own[0] for name, own in waiting.items()}
        runs = by_ids(client, [version.run_id for version in first.values() if version.run_id])
        for name, version in first.items():
            run = runs.get(version.run_id or "")
            model = None
            if run is None:
                told[f"{name}/{version.version}"] = _gone(client, version)
            elif run.info.status == "FINISHED":
                model = _named(run, str(version.version), told)
            if model is not None and registry.registered_name(model.tags) != name:
                model = None  # renamed: under its own name it is registered again
            if model is None:
                waiting[name] = waiting[name][1:]
            else:
                best[model.name] = model
                del waiting[name]
        waiting = {name: own for name, own in waiting.items() if own}
    return best


def _gone(client: "Store", version: "ModelVersion") -> str:
    """In words, why the run of a version is not among the active ones."""
    from mlflow.exceptions import MlflowException

    what = f"{version.name} version {version.version}: its run {version.run_id}"
    try:
        run = client.get_run(version.run_id or "")
        experiment = client.get_experiment(run.info.experiment_id)
    except MlflowException as error:
        if error.get_http_status_code() >= 500:
            raise
        return f"{what} is not in the store any more: passed over"
    if experiment.lifecycle_stage != "active":
        back = f"mlflow experiments restore --experiment-id {experiment.experiment_id}"
        return f"{what} is in the deleted experiment '{experiment.name}': passed over ({back})"
    return f"{what} is deleted: passed over"


def _named(run: "Run", version: str, told: dict[str, str]) -> TrackedModel | None:
    """A run as a model; None, and told, where somebody removed the tag that names it."""
    if not (run.data.tags.get("birdml.model") and run.data.tags.get("birdml.family")):
        run_id = run.info.run_id
        told[run_id] = f"run {run_id} has lost its tag birdml.model: passed over"
        return None
    return tracked(run, version)


def _lost(
    client: "Store", dataset_digest: str, known: Collection[str], told: dict[str, str]
) -> "Iterator[TrackedModel]":
    """Finished models that the registry does not hold, registered again.

    A store hands out whole runs with all their params, 2 to 4 ms each, so only the newest page of
    them is looked at.
    """
    page = client.search_runs(
        all_experiments(client),
        finished_on(dataset_digest),
        max_results=PAGE,
        order_by=["attributes.start_time DESC"],
    )
    for run in page:
        tags = run.data.tags
        if "birdml.step" in tags or not tags.get("birdml.model_version"):
            continue
        model = _named(run, "", told)
        if model is None or model.name in known:
            continue
        if version := registry.version_of(client, run):
            yield tracked(run, version)


def _version(client: "Store", dataset: Dataset, word: str, ensembles: bool) -> TrackedModel:
    """The model that `name@version` means, on this dataset."""
    version = registry.resolve(client, word)
    if version.tags.get("birdml.dataset_digest") != dataset.digest:
        made_on = version.tags.get("birdml.dataset", "unknown")
        raise UserError(f"{word} was made on another dataset ({made_on}) than '{dataset.name}'")
    run_id = version.run_id or ""
    run = by_ids(client, [run_id]).get(run_id)
    model = _named(run, str(version.version), {}) if run is not None else None
    if model is None:
        raise UserError(f"the run of {word} is not in the store any more: train it again")
    if model.family == ENSEMBLE and not ensembles:
        raise UserError(f"{word} is an {model.family}: name single models")
    return model


def _with_reasons(client: "Store", words: Sequence[str]) -> str:
    """The words, each with the dataset that it was trained on where it is another one."""
    said = []
    for word in words:
        found = search(client, f"tags.`birdml.model` = '{word.replace(chr(39), '')}'")
        others = {run.data.tags.get("birdml.dataset", "another dataset") for run in found}
        said.append(f"{word} (trained on {', '.join(sorted(others))})" if others else word)
    return ", ".join(said)


def _order(model: TrackedModel) -> tuple[int, str, int, str]:
    """Audio, metadata and combined models, then other families, ensembles last; by number."""
    digits = "".join(c for c in model.name if c.isdigit())
    place = ORDER.index(model.family) if model.family in ORDER else len(ORDER)
    last = len(ORDER) + 1 if model.family == ENSEMBLE else place
    return last, model.family, int(digits or 0), model.name
