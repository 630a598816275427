"""How logits are read: as presence or as shares of the softmax, and from which score on they count.

What a user may ask for is the same of files and of a served model.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from birdml.calibration.presence import Presence, margin
from birdml.calibration.saved import Calibration
from birdml.calibration.thresholds import Threshold, by_precision, by_recall
from birdml.errors import UserError

SCORES = ("presence", "softmax")
MIN_SCORE = 0.1  # of presence, where nothing else is asked for
RULES = ("min_score", "precision", "recall")


@dataclass(frozen=True)
class Rule:
    """What is asked of scores: which ones, and at most one rule from which on they count.

    `min_score` is the same for all species; `precision` or `recall` are to be reached by each.
    Raises UserError for what can't be.
    """

    scores: str = "presence"
    min_score: float | None = None
    precision: float | None = None
    recall: float | None = None

    def __post_init__(self) -> None:
        if self.scores not in SCORES:
            raise UserError(f"scores='{self.scores}'; it can be {' or '.join(SCORES)}")
        if len(self.given) > 1:
            raise UserError(f"{' and '.join(self.given)}: give one of {', '.join(RULES)}")
        for name in self.given:
            value, lowest = getattr(self, name), 0 if name == "min_score" else 1e-6
            if not (math.isfinite(value) and lowest <= value <= 1):
                raise UserError(f"{name}={value:g}: it must be a number in 0..1")

    @property
    def given(self) -> list[str]:
        return [name for name in RULES if getattr(self, name) is not None]


@dataclass(frozen=True)
class Reading:
    """Logits to scores, and the score of each species from which on it counts.

    `presence` None: shares of the softmax. `thresholds` float64 [C]; None: at any score. `table`:
    the thresholds with what is known of them, where they were found by a rule. `settings` tell
    readings apart; `remarks` are lines for the user.
    """

    presence: Presence | None = None
    thresholds: np.ndarray | None = None
    table: tuple[Threshold, ...] = ()
    settings: dict[str, str] = field(default_factory=lambda: {"scores": "softmax"})
    remarks: tuple[str, ...] = ()

    def scores(self, logits: np.ndarray) -> np.ndarray:
        """float64 [N, C] in 0..1, of logits [N, C]."""
        if self.presence is not None:
            return self.presence.probabilities(logits)
        highest = logits.max(axis=1, keepdims=True)
        shares = np.exp((logits - highest).astype(np.float64))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def log_odds(self, logits: np.ndarray) -> np.ndarray:
        """log(score / (1 - score)), float64 [N, C], of logits [N, C]."""
        return margin(logits) if self.presence is None else self.presence.log_odds(logits)


def reading(
    name: str,
    calibration: Calibration | None,
    classes: int,
    rule: Rule,
    given: Sequence[float] | None = None,
) -> Reading:
    """How the logits of a model are read by what is asked for.

    Args:
        name: of the model, for messages.
        calibration: of the model; None where it has none: then its scores are shares of the
            softmax, and a remark says so.
        classes: number of species C.
        rule: what is asked for.
        given: thresholds of presence [C], in place of a rule.

    Raises:
        UserError: where thresholds are asked for that only a calibration can give.
    """
    needs = [*(n for n in rule.given if n != "min_score"), *(["thresholds"] * (given is not None))]
    if given is not None and rule.given:
        raise UserError(f"thresholds and {rule.given[0]}: give one of them")
    if calibration is None and needs:
        raise UserError(
            f"{needs[0]} needs calibrated scores, and {name} is uncalibrated: "
            f"{how_to_calibrate(name)}"
        )
    if rule.scores == "softmax" and needs:
        raise UserError(f"{needs[0]} is of calibrated scores: leave scores=softmax out")
    if calibration is None or rule.scores == "softmax":
        remark = f"{name}: uncalibrated: scores are shares of the softmax; {how_to_calibrate(name)}"
        settings, least = {"scores": "softmax"}, rule.min_score
        if least is not None:
            settings["thresholds"] = f"min_score={least:g}"
        return Reading(
            thresholds=None if least is None else np.full(classes, least),
            settings=settings,
            remarks=() if rule.scores == "softmax" else (remark,),
        )
    table: tuple[Threshold, ...] = ()
    remarks: tuple[str, ...] = ()
    if given is not None:
        thresholds = np.asarray(given, dtype=np.float64)
        by = f"file {hashlib.sha256(thresholds.tobytes()).hexdigest()[:12]}"
    elif needs:
        target = getattr(rule, needs[0])
        find = by_precision if needs[0] == "precision" else by_recall
        found, reached = find(calibration.evidence, target)
        table, by = tuple(found), f"{needs[0]}={target:g}"
        thresholds = np.array([t.score for t in table])
        remarks = () if reached else (_not_reached(needs[0], target, table),)
    else:
        least = MIN_SCORE if rule.min_score is None else rule.min_score
        thresholds, by = np.full(classes, least), f"min_score={least:g}"
    settings = {"scores": "presence", "calibration": calibration_id(calibration), "thresholds": by}
    return Reading(calibration.presence, thresholds, table, settings, remarks)


def how_to_calibrate(name: str) -> str:
    return f"calibrate it with mlflow run . -e calibrate -P model={name}"


def _not_reached(rule: str, target: float, table: Sequence[Threshold]) -> str:
    own = sum(t.source == "own" for t in table)
    common = next((t for t in table if t.source == "common"), None)
    best = f"; {common.expected:.2f} is expected of the others" if common else ""
    return (
        f"all species together reach {rule}={target:g} at no score in validation, and "
        f"{own} of {len(table)} alone{best}: predicted with what there is"
    )


def calibration_id(calibration: Calibration) -> str:
    """12 hexadecimal digits that tell calibrations apart, and so models."""
    curves = calibration.presence
    content = hashlib.sha256("\n".join((*calibration.species, *curves.inputs)).encode())
    for numbers in (curves.centre, curves.scale, curves.coefficients):
        content.update(np.ascontiguousarray(numbers, np.float64).tobytes())
    return content.hexdigest()[:12]
