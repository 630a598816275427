"""`calibration.json` of a version: curves of presence and the evidence for thresholds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from birdml.calibration.presence import Presence
from birdml.calibration.thresholds import Evidence
from birdml.errors import UserError
from birdml.files import write_text

FILE = "calibration.json"
METHOD: Literal["logistic"] = "logistic"
DIGITS = 5  # of a kept score

Share = Annotated[float, Field(ge=0, le=1)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class FittedOn(_Form):
    """What a calibration was fitted on."""

    what: Literal["recordings", "windows"]
    count: int = Field(ge=0)  # rows in which a species is known
    nothing: int = Field(ge=0)  # rows in which nothing sings
    dataset: str
    digest: str


class _Curves(_Form):
    inputs: tuple[Literal["logit", "margin"], ...] = Field(min_length=1)
    centre: tuple[float, ...]
    scale: tuple[Annotated[float, Field(gt=0)], ...]
    coefficients: tuple[tuple[float, ...], ...]

    @model_validator(mode="after")
    def _sizes(self) -> "_Curves":
        inputs = len(self.inputs)
        if not len(self.centre) == len(self.scale) == inputs:
            raise ValueError(f"centre and scale must have {inputs} numbers each")
        if any(len(row) != 1 + inputs for row in self.coefficients):
            raise ValueError(f"a row of coefficients must have {1 + inputs} numbers")
        return self


class _Evidence(_Form):
    present: tuple[Share, ...]
    absent: tuple[Share, ...]
    positives: int = Field(ge=0)


class _File(_Form):
    method: Literal["logistic"]
    fitted_on: FittedOn
    strength: float | None = Field(gt=0)  # None: all species have the common curve
    species: tuple[str, ...]
    curves: _Curves
    evidence: tuple[_Evidence, ...]
    measures: dict[str, dict[str, float]]

    @model_validator(mode="after")
    def _species(self) -> "_File":
        if not len(self.species) == len(self.curves.coefficients) == len(self.evidence):
            raise ValueError("species, coefficients and evidence are of different numbers")
        return self


@dataclass(frozen=True)
class Calibration:
    """How the logits of one model are read, and what that was found on.

    `species` are class ids in label order; `evidence` has one entry for each. `measures` are log
    loss, Brier score and calibration error `before` (softmax) and `after`, of held-out recordings.
    """

    presence: Presence
    strength: float
    fitted_on: FittedOn
    species: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    measures: dict[str, dict[str, float]]


def save_calibration(folder: Path, calibration: Calibration) -> None:
    """Writes `calibration.json` into a folder."""
    curves, strength = calibration.presence, calibration.strength
    form = _File(
        method=METHOD,
        fitted_on=calibration.fitted_on,
        strength=strength if np.isfinite(strength) else None,
        species=calibration.species,
        curves=_Curves(
            inputs=curves.inputs,  # type: ignore[arg-type]
            centre=tuple(curves.centre.tolist()),
            scale=tuple(curves.scale.tolist()),
            coefficients=tuple(map(tuple, curves.coefficients.tolist())),
        ),
        evidence=tuple(
            _Evidence(
                present=tuple(np.round(e.present, DIGITS).tolist()),
                absent=tuple(np.round(e.absent, DIGITS).tolist()),
                positives=e.positives,
            )
            for e in calibration.evidence
        ),
        measures=calibration.measures,
    )
    text = json.dumps(form.model_dump(), ensure_ascii=False, separators=(",", ":"))
    write_text(folder / FILE, text + "\n")


def load_calibration(folder: Path, species: tuple[str, ...]) -> Calibration | None:
    """The calibration in a folder; None where there is none.

    Raises UserError where the file is broken, or of another label set than `species`.
    """
    path = folder / FILE
    try:
        form = _File.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"cannot read '{path}': {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"'{path}' is no calibration of ours ({where}: {first['msg']}); make it again with "
            "-e calibrate"
        ) from None
    if form.species != species:
        raise UserError(f"'{path}' is of another label set; make it again with -e calibrate")
    curves = form.curves
    return Calibration(
        presence=Presence(
            curves.inputs,
            np.array(curves.centre),
            np.array(curves.scale),
            np.array(curves.coefficients),
        ),
        strength=np.inf if form.strength is None else form.strength,
        fitted_on=form.fitted_on,
        species=form.species,
        evidence=tuple(
            Evidence(np.array(e.present), np.array(e.absent), e.positives) for e in form.evidence
        ),
        measures=form.measures,
    )
