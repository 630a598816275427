"""A combination on disk: `ensemble.json`, one saved model per member, and a calibration.

    ensemble.json        name, and per member: name, weight, registry version, run id
    <member>/model.json, <member>/weights.safetensors
    calibration.json     how its logits become probabilities (see `birdml.calibration.saved`); not
                         there where it is uncalibrated

A single registered model is the same thing with one member of weight 1, so that everything that
ships is loaded, served and submitted from in one way. Nothing here needs MLflow.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from birdml.calibration.saved import Calibration, load_calibration
from birdml.dataset.recording import Species
from birdml.errors import UserError
from birdml.files import writing_folder
from birdml.zoo.forms import Finite, FolderName, Form, read_form
from birdml.zoo.saved import SavedModel, load_model, read_about

LIST = "ensemble.json"


@dataclass(frozen=True)
class Member:
    """One member and where it came from; version and run id are empty where there is none."""

    name: str
    weight: float
    version: str = ""  # of the registered model `birdml-<name>`
    run_id: str = ""


class _Member(Form):
    name: FolderName
    weight: Annotated[Finite, Field(gt=0)]
    version: str = ""
    run_id: str = ""


class _List(Form):
    """What `ensemble.json` holds."""

    name: str
    members: Annotated[list[_Member], Field(min_length=1)]


@dataclass(frozen=True)
class Combination:
    """Models and weights whose weighted sum of logits is the answer (K members, C classes).

    `calibration` reads these logits; None where there is none. `version` in the registry, where it
    comes from there.
    """

    name: str
    members: tuple[tuple[SavedModel, float], ...]
    lineage: tuple[Member, ...]
    calibration: Calibration | None = None
    version: str = ""

    @property
    def species(self) -> tuple[Species, ...]:
        """The label set, the same for every member [C]."""
        return self.members[0][0].species

    @property
    def dataset_name(self) -> str:
        return self.members[0][0].dataset_name

    @property
    def dataset_digest(self) -> str:
        return self.members[0][0].dataset_digest

    @property
    def weights(self) -> np.ndarray:
        """float64 [K]."""
        return np.array([weight for _, weight in self.members])


def save_combination(
    folder: str | Path, name: str, members: Sequence[Member], models: Sequence[str | Path]
) -> None:
    """Writes a combination out of the folders of saved models; members of weight 0 are left out.

    Raises UserError for a weight that is negative or no number, for no weight above 0, and for
    models that differ in dataset or label set, by name.
    """
    kept = [(m, Path(model)) for m, model in zip(members, models, strict=True) if m.weight != 0]
    wrong = [m.name for m, _ in kept if not 0 < m.weight < float("inf")]
    if wrong or not kept:
        which = f"of {', '.join(wrong)} " if wrong else ""
        raise UserError(f"{name}: weights {which}must be numbers of 0 or more, one above 0")
    _refuse_strangers(name, [(m.name, read_about(model)) for m, model in kept])
    about = {"name": name, "members": [asdict(member) for member, _ in kept]}
    with writing_folder(Path(folder)) as beside:
        for member, model in kept:
            shutil.copytree(model, beside / member.name)
        (beside / LIST).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def _refuse_strangers(name: str, abouts: Sequence[tuple[str, dict]]) -> None:
    """UserError that names every member whose dataset or label set is not that of the first."""
    first_name, first = abouts[0]
    strangers = []
    for member, about in abouts[1:]:
        if about["dataset_digest"] != first["dataset_digest"]:
            strangers.append(f"{member} (dataset {about['dataset_name']})")
        elif about["species"] != first["species"]:
            strangers.append(f"{member} (other label set)")
    if strangers:
        raise UserError(
            f"{name}: trained on another dataset than {first_name}: {', '.join(strangers)}; "
            "name only models of one dataset"
        )


def read_lineage(folder: str | Path) -> tuple[str, tuple[Member, ...]]:
    """Name and members of the combination in a folder, without reading any weights.

    Raises UserError where `ensemble.json` is missing or broken.
    """
    about = read_form(Path(folder) / LIST, _List, "get the model from the registry again")
    return about.name, tuple(Member(**dict(member)) for member in about.members)


def load_combination(folder: str | Path, device: str = "cpu") -> Combination:
    """Reads a combination with its members' networks and its calibration, if it has one.

    Raises UserError where there is no combination, or a part of it is broken.
    """
    name, lineage = read_lineage(folder)
    folder = Path(folder)
    _refuse_strangers(name, [(m.name, read_about(folder / m.name)) for m in lineage])
    members = tuple((load_model(folder / m.name, device), m.weight) for m in lineage)
    calibration = load_calibration(folder, members[0][0].classes)
    return Combination(name, members, lineage, calibration)


def combine(logits: Iterable[np.ndarray], weights: Iterable[float]) -> np.ndarray:
    """Weighted sum of logits.

    Args:
        logits: K arrays of one shape, such as [N, C] or [C]; from a generator, one at a time is in
            memory.
        weights: [K], 0 or more.

    Returns:
        float32, of that shape; summed in float64, so that the order of members does not matter.

    >>> combine([np.array([1.0, 0.0]), np.array([0.0, 2.0])], [0.5, 1.0]).tolist()
    [0.5, 2.0]
    """
    total = np.zeros(())
    for member, weight in zip(logits, weights, strict=True):
        total = total + weight * np.asarray(member, dtype=np.float64)
    return total.astype(np.float32)


def usable_weights(weights: ArrayLike, usable: ArrayLike) -> np.ndarray:
    """Weights where only some members can answer, float64 [K].

    Those of the others become 0 and the rest grows to the same sum, so that logits keep their
    scale. Raises UserError where no member can answer.

    >>> usable_weights([0.5, 0.3, 0.2], [True, False, True]).round(3)
    array([0.714, 0.   , 0.286])
    """
    whole = np.asarray(weights, np.float64)
    left = whole * np.asarray(usable, dtype=bool)
    if not left.sum() > 0:
        raise UserError("no member of this model can answer with what is given")
    return left * (whole.sum() / left.sum())
