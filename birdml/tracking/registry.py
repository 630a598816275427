"""The registry: what ships. Names are `birdml-<model>`; the alias `champion` marks the best."""

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from birdml.errors import UserError
from birdml.tracking import downloads

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

    from birdml.tracking.client import Store

logger = logging.getLogger(__name__)
CHAMPION = "champion"


def resolve(client: "Store", uri: str) -> "ModelVersion":
    """The version that `models:/<name>@<alias>` or `models:/<name>/<version>` means; without
    `models:/`, `meta3` is the champion of `birdml-meta3` and `meta3@2` its version 2.

    Raises UserError, with what there is, where that is nothing.
    """
    from mlflow.exceptions import MlflowException

    name, version, alias = _parts(uri)
    own = uri.partition("@")[0]  # an ensemble's name may begin otherwise than ours
    if name != own and not uri.startswith("models:/") and own in names(client, ""):
        name = own
    try:
        if alias:
            return client.get_model_version_by_alias(name, alias)
        if version == "latest":
            versions = client.search_model_versions(f"name = '{name}'")
            if not versions:
                raise UserError(_missing(client, uri))
            return max(versions, key=lambda v: int(v.version))
        return client.get_model_version(name, version)
    except MlflowException as error:
        if error.get_http_status_code() >= 500:
            raise
        raise UserError(_missing(client, uri)) from None


def _parts(uri: str) -> tuple[str, str, str]:
    name, at, alias = uri.removeprefix("models:/").partition("@")
    if not uri.startswith("models:/"):
        name = full_name(name)
    if not at:
        name, _, version = name.partition("/")
        alias = "" if version else CHAMPION
        return name, version, alias
    return (name, alias, "") if alias.isdigit() else (name, "", alias)


def full_name(model: str) -> str:
    """The name in the registry of a model such as `meta3`."""
    return f"birdml-{model.removeprefix('birdml-')}"


def holder(client: "Store", name: str) -> str | None:
    """The number of the version that holds the alias `champion`, or None."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(name, CHAMPION).version)
    except MlflowException as error:
        if error.get_http_status_code() >= 500:
            raise
        return None


def _missing(client: "Store", uri: str) -> str:
    name, version, alias = _parts(uri)
    versions = sorted(int(v.version) for v in client.search_model_versions(f"name = '{name}'"))
    if versions:
        which = f"no version with the alias '{alias}'" if alias else f"no version {version}"
        more = ", ..." if len(versions) > 8 else ""
        return (
            f"{name} has {which}; it has {', '.join(map(str, versions[:8]))}{more}: "
            f"name one, such as {name}@{versions[-1]}"
            + (", or give it the alias in the UI" if alias else "")
        )
    there_are = names(client)
    there = ", ".join(there_are[:8]) + (", ..." if len(there_are) > 8 else "")
    return (
        f"the registry has no model '{uri}'; "
        + (f"it has {there}" if there_are else "it is empty: train and ensemble register models")
        + " (NAME, NAME@VERSION, models:/NAME@ALIAS or models:/NAME/VERSION)"
    )


def version_of(client: "Store", run: "Run") -> str:
    """The version that a finished run of a model made, '' if there is none any more.

    Found by the run, never by the number in its tag: models and versions may have been deleted and
    made anew under the same number. Where the registry has lost it and the run still has its
    logged model, it is registered again.
    """
    from mlflow.exceptions import MlflowException

    run_id, tags = run.info.run_id, run.data.tags
    name = registered_name(tags)
    told = tags.get("birdml.model_version", "")
    if not told or not name:
        return ""
    own = [str(v.version) for v in client.versions_of(run_id) if v.name == name]
    if told in own:
        return told
    version = max(own, key=int, default="")
    with suppress(MlflowException):  # a store that can't be written stays as it is
        version = version or _again(client, run, name)
        if version:
            client.set_tag(run_id, "birdml.model_version", version)
    return version


def registered_name(tags: Mapping[str, str]) -> str:
    """Under which name a run's model is registered, by the run's tags; '' if it is no model's."""
    model = tags.get("birdml.model", "")
    return model if not model or tags.get("birdml.family") == "ensemble" else f"birdml-{model}"


def _again(client: "Store", run: "Run", name: str) -> str:
    """Registers a run's logged model once more; '' where the run has none any more."""
    from mlflow.exceptions import MlflowException

    run_id, tags, metrics = run.info.run_id, run.data.tags, run.data.metrics
    logged = client.search_logged_models(
        [run.info.experiment_id], filter_string=f"source_run_id = '{run_id}'"
    )
    if not logged or not {"map", "map_bg"} <= metrics.keys():
        return ""
    with suppress(MlflowException):  # it is there already
        client.create_registered_model(name)
    kept = {key: f"{metrics[key]:.6f}" for key in metrics if key.startswith(("map", "top"))}
    kept |= {k: tags[k] for k in tags if k.startswith("birdml.dataset") or k == "birdml.identity"}
    created = client.create_model_version(
        name, source=logged[0].model_uri, run_id=run_id, model_id=logged[0].model_id, tags=kept
    )
    again = "%s: registered again from its run %s, as version %s"
    logger.info(again, name, run_id, created.version)
    promote(client, name, str(created.version), metrics)
    return str(created.version)


def names(client: "Store", prefix: str = "birdml-") -> list[str]:
    """Names of all registered models that begin so, in order."""
    found: list[str] = []
    token = None
    while True:
        page = client.search_registered_models(f"name LIKE '{prefix}%'", page_token=token)
        found += [model.name for model in page]
        token = page.token
        if not token:
            return sorted(found)


def load_registered(client: "Store", uri: str) -> Path:
    """The folder of a registered model's files (see `ensemble.combination`), fetched if need be.

    Raises UserError where the registry has no such version, or the store has lost its files.
    """
    version = resolve(client, uri)
    place = f"models:/{version.name}/{version.version}"
    try:
        return downloads.fetch(client, place, "artifacts")
    except FileNotFoundError as error:
        raise UserError(
            f"the files of {place} are gone: {error}; bring them back, or delete this version and "
            f"the run {version.run_id}, and make it again"
        ) from None


def promote(client: "Store", name: str, version: str, metrics: dict[str, float]) -> bool:
    """Gives `champion` to a version whose map + map_bg beats that of its holder; True if it did.

    A version on another dataset is no rival: the newest dataset's best holds the alias. The
    champion's figures and dataset become tags of the registered model.
    """
    from mlflow.exceptions import MlflowException

    challenger = client.get_model_version(name, version)
    try:
        holder = client.get_model_version_by_alias(name, CHAMPION)
    except MlflowException:
        holder = None
    if holder is not None:
        same = holder.tags.get("birdml.dataset_digest") == challenger.tags.get(
            "birdml.dataset_digest"
        )
        if same and quality(holder.tags) >= metrics["map"] + metrics["map_bg"]:
            return False
    # The list of models shows tags of models, not of versions. The alias goes last: where it is
    # given, all is there.
    for key, value in shown_figures(metrics).items():
        client.set_registered_model_tag(name, key, value)
    client.set_registered_model_tag(
        name, "birdml.dataset", challenger.tags.get("birdml.dataset", "")
    )
    client.set_registered_model_alias(name, CHAMPION, version)
    return True


def version_left(client: "Store", run_id: str, metrics: dict[str, float]) -> str:
    """The version of a run whose process was killed before it could write so into the run; '' where
    there is none. It is promoted like any other, and the run knows it then."""
    there = client.versions_of(run_id)
    if not there:
        return ""
    name, version = there[0].name, str(there[0].version)
    link_version(client, str(there[0].source), name, version)
    promote(client, name, version, metrics)
    client.set_tag(run_id, "birdml.model_version", version)
    return version


def link_version(client: "Store", source: str, name: str, version: str) -> None:
    """Writes what MLflow's own `register_model` writes: the link from a logged model, the `source`
    (`models:/m-...`) of a version, to that version."""
    link = [{"name": name, "version": int(version)}]
    model_id = source.removeprefix("models:/")
    client.set_logged_model_tags(model_id, {"mlflow.modelVersions": json.dumps(link)})


def shown_figures(metrics: Mapping[str, float]) -> dict[str, str]:
    """The figures that a list of models has room for, with three digits."""
    return {key: f"{metrics[key]:.3f}" for key in ("map", "map_bg")}


def quality(tags: dict[str, str]) -> float:
    """map + map_bg of a version, by its tags; below any model where they are missing."""
    try:
        return float(tags["map"]) + float(tags["map_bg"])
    except (KeyError, ValueError):
        return float("-inf")
