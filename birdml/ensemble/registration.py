"""From a combination on disk to a version in the registry that anyone can load and serve."""

import logging
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import birdml
from birdml.calibration.reading import RULES, SCORES
from birdml.calibration.saved import FILE
from birdml.ensemble.card import FILE as CARD
from birdml.ensemble.card import card, encoders_of, shortened
from birdml.ensemble.combination import LIST, Member, read_lineage
from birdml.tracking.descriptions import describe_registered_model
from birdml.tracking.faults import disk_in_words
from birdml.tracking.interrupts import in_one_piece
from birdml.tracking.registry import link_version
from birdml.tracking.retry import retry

if TYPE_CHECKING:
    from birdml.tracking.client import Store

TAG_LENGTH = 5000  # most that MLflow keeps
PACKAGE = Path(birdml.__file__).parent
REQUIREMENTS = (  # what loading and answering import
    "mlflow",
    "numpy",
    "pandas",
    "pydantic",
    "pyfftw",
    "safetensors",
    "scipy",
    "soundfile",
    "soxr",
    "torch",
    "tqdm",
)


def log_and_register(
    client: "Store",
    run_id: str,
    folder: str | Path,
    registered_name: str,
    tags: Mapping[str, str],
    description: str = "",
) -> str:
    """Logs a combination as the run's model and registers it.

    Args:
        client: of the store that holds the run; made the process's store for MLflow's own logging.
        run_id: the run that the model belongs to.
        folder: a combination as `save_combination` writes it; copied, not needed afterwards.
        registered_name: such as `birdml-meta3`.
        tags: of the new version; the members' weights and versions are added under
            `birdml.members`.
        description: of the new version, for people to read (Markdown); it becomes the beginning
            of the card (`ensemble.card`), which is the version's description and a file of it.

    Returns:
        the number of the new version.

    Raises UserError where the store's disk takes no files.
    """
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model
    from mlflow.models.model import ModelInfo

    folder = Path(folder)
    _, members = read_lineage(folder)
    mlflow.set_tracking_uri(client.tracking_uri)
    artifacts = {"ensemble": str(folder / LIST)}
    artifacts |= {f"member/{m.name}": str(folder / m.name) for m in members}
    if (folder / FILE).is_file():
        artifacts["calibration"] = str(folder / FILE)
    own = client.get_run(run_id)
    about = card(registered_name, folder, tags, description)
    writing = disk_in_words(client.tracking_uri)
    with _quiet(), in_one_piece(), writing, tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / CARD).write_text(f"# {registered_name}\n\n{about}", encoding="utf-8")
        artifacts["card"] = str(Path(scratch) / CARD)

        def log() -> ModelInfo:
            # MLflow itself would take the experiment that the environment names.
            logged = client.create_logged_model(
                own.info.experiment_id,
                name=registered_name,
                source_run_id=run_id,
                params=own.data.params,
            )
            try:
                return Model.log(
                    artifact_path=None,
                    name=registered_name,
                    model_id=logged.model_id,
                    flavor=mlflow.pyfunc,
                    run_id=run_id,
                    python_model=str(Path(__file__).with_name("served_model.py")),
                    artifacts=artifacts,
                    code_paths=[str(PACKAGE)],
                    signature=_signature(),
                    pip_requirements=[
                        f"{name}=={version(name).split('+')[0]}"
                        for name in (*REQUIREMENTS, *of_encoders(folder, members))
                    ],
                )
            except Exception:
                with suppress(Exception):
                    client.delete_logged_model(logged.model_id)
                raise

        model = retry(log)
    with suppress(MlflowException):  # it is there already
        general = describe_registered_model(registered_name)
        client.create_registered_model(registered_name, description=general)
    lineage = ", ".join(
        f"{m.name}{f' version {m.version}' if m.version else ''} x {m.weight:.6g}" for m in members
    )
    with _quiet():
        created = client.create_model_version(
            registered_name,
            source=model.model_uri,
            run_id=run_id,
            model_id=model.model_id,
            tags={**tags, "birdml.members": lineage[:TAG_LENGTH]},
            description=shortened(about),
        )
    link_version(client, model.model_uri, registered_name, str(created.version))
    return str(created.version)


def of_encoders(folder: Path, members: Iterable[Member]) -> list[str]:
    """Packages that encoders need beyond REQUIREMENTS."""
    needed: set[str] = set()
    for encoder in encoders_of(folder, members).values():
        needed |= {"onnxruntime"} if encoder.runtime == "onnx" else {"ai-edge-litert"}
        needed |= {encoder.package} if encoder.package else set()
    return sorted(needed)


def model_folder(downloaded: str | Path) -> Path:
    """Where the combination lies in a downloaded MLflow model."""
    return Path(downloaded) / "artifacts"


def _signature():
    from mlflow.models.signature import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType, Array

    outputs = Schema(
        [
            ColSpec(DataType.string, "made_from"),
            ColSpec(DataType.boolean, "reweighted"),
            ColSpec(DataType.string, "scores"),
            ColSpec(Array(AnyType()), "species", required=False),
            ColSpec(Array(DataType.double), "logits", required=False),
        ]
    )
    params = ParamSchema(
        [
            ParamSpec("top", DataType.long, 5),
            ParamSpec("output", DataType.string, "species"),
            ParamSpec("scores", DataType.string, SCORES[0]),
            *(ParamSpec(name, DataType.double, None) for name in RULES),
        ]
    )
    # no form of inputs: MLflow has none for "text or nothing", takes no CSV with any, and drops
    # columns that it does not know; our own checks say clearly what is wrong with a table
    return ModelSignature(inputs=None, outputs=outputs, params=params)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps MLflow's hints and bars off the terminal: they name none of our commands."""
    logger, bar = logging.getLogger("mlflow"), "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"
    level, shown = logger.level, os.environ.get(bar)
    logger.setLevel(logging.ERROR)
    os.environ[bar] = "false"
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*input example was not provided.*")
            yield
    finally:
        logger.setLevel(level)
        os.environ.pop(bar)
        if shown is not None:
            os.environ[bar] = shown
