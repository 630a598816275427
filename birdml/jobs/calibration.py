"""The calibration of what is registered: fitted on its validation logits, logged into its run."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from birdml.annotations.dataset import present_in_windows
from birdml.calibration.calibrate import calibrate, site_and_day
from birdml.calibration.saved import Calibration
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import NOISE_VALID
from birdml.errors import UserError
from birdml.figures.reliability import reliability_figure
from birdml.prediction.predictions import Predictions
from birdml.tracking.retry import is_away

if TYPE_CHECKING:
    from birdml.tracking.client import Store

logger = logging.getLogger(__name__)
SECONDS = 5.0  # of a window


@dataclass(frozen=True)
class Calibrated:
    """A calibration, and what its figures are made of: shares of the softmax and cross-fitted
    probabilities float64 [N, C], and truth bool [N, C]."""

    calibration: Calibration
    shares: np.ndarray
    held_out: np.ndarray
    present: np.ndarray

    @property
    def metrics(self) -> dict[str, float]:
        """`calibration/log_loss`, `.../brier`, `.../ece`, and those of the softmax `_before`."""
        before, after = (self.calibration.measures[when] for when in ("before", "after"))
        return {f"calibration/{key}": value for key, value in after.items()} | {
            f"calibration/{key}_before": value for key, value in before.items()
        }

    @property
    def in_words(self) -> str:
        """What it was fitted on and what it came to, as Markdown for a version's description."""
        on, metrics = self.calibration.fitted_on, self.metrics
        nothing = f" and {on.nothing} of nothing" if on.nothing else ""
        return (
            f"**Scores:** calibrated on {on.count} validation {on.what}{nothing}; on those that "
            f"a curve was not fitted on, log loss {metrics['calibration/log_loss']:.4f} (of the "
            f"softmax {metrics['calibration/log_loss_before']:.4f}), calibration error "
            f"{metrics['calibration/ece']:.4f} ({metrics['calibration/ece_before']:.4f}).\n"
        )


UNCALIBRATED = "**Scores:** uncalibrated, shares of the softmax.\n"


def asked_beside(
    name: str, dataset: Dataset, predict: Callable[[str, str], Predictions]
) -> tuple[Predictions | None, Predictions | None]:
    """What a calibration takes beside the validation logits: `of_nothing`, and `of_annotated`.

    `predict` tells what the model says of a split, per `recording` or in windows of `5s`.
    """
    nothing = of_nothing(name, dataset, lambda split: predict(split, "recording"))
    return nothing, of_annotated(name, dataset, lambda split: predict(split, "5s"))


def of_nothing(
    name: str, dataset: Dataset, predict: Callable[[str], Predictions]
) -> Predictions | None:
    """What `predict` says of the split in which nothing sings; None where there is none of use."""
    if not dataset.split(NOISE_VALID):
        return None
    try:
        return predict(NOISE_VALID)
    except UserError as error:  # without audio: a model that listens does without them
        logger.warning("%s: calibrated without recordings of nothing: %s", name, error)
        return None


def of_annotated(
    name: str, dataset: Dataset, predict: Callable[[str], Predictions]
) -> Predictions | None:
    """What `predict` says of windows of the annotated validation recordings, and of nothing.

    None where less than half of the validation recordings are annotated through. `predict` gives
    the windows of 5 s of a split.
    """
    known = dataset.annotations
    recordings = [r for r in dataset.split("valid") if r.species in dataset.label_of]
    if known is None or not recordings:
        return None
    through = {r.file for r in recordings if r.file in known.place_of}
    if 2 * len(through) < len(recordings):
        return None
    try:
        parts = [predict("valid")] + ([predict(NOISE_VALID)] if dataset.split(NOISE_VALID) else [])
    except UserError as error:  # without audio
        logger.warning("%s: calibrated on recordings, not on windows: %s", name, error)
        return None
    through |= {r.file for r in dataset.split(NOISE_VALID)}
    files = [file for part in parts for file in part.files]
    rows = [row for row, file in enumerate(files) if file in through]
    starts = np.concatenate([part.starts for part in parts])  # type: ignore[misc]
    logits = np.concatenate([part.logits for part in parts])
    return Predictions([files[row] for row in rows], starts[rows], logits[rows])


def of_validation(
    dataset: Dataset,
    logits: np.ndarray,
    nothing: Predictions | None = None,
    windows: Predictions | None = None,
) -> Calibrated:
    """The calibration of a model by its logits [N, C] of the validation recordings, in order.

    Recordings whose species nobody knows say nothing, and are left out; `nothing` is what
    `of_nothing` found. With `windows`, which `of_annotated` found, these are what it is fitted on.
    Raises UserError where there can be no calibration.
    """
    if windows is not None:
        assert windows.starts is not None
        present = present_in_windows(dataset, windows.files, windows.starts, SECONDS)
        of_file = {r.file: r for r in dataset.recordings}
        groups = site_and_day([of_file[file] for file in windows.files])
        logits = np.asarray(windows.logits, dtype=np.float64)
        calibration, held_out = calibrate(logits, present, groups, dataset, "windows")
        return Calibrated(calibration, softmax(logits, axis=1), held_out, present)
    recordings = dataset.split("valid")
    known = np.flatnonzero(dataset.foreground(recordings) >= 0)
    recordings = [recordings[row] for row in known]
    logits = np.asarray(logits, dtype=np.float64)[known]
    if nothing is not None:
        recordings += dataset.split(NOISE_VALID)
        logits = np.concatenate([logits, nothing.logits])
    present = dataset.present(recordings)
    calibration, held_out = calibrate(logits, present, site_and_day(recordings), dataset)
    return Calibrated(calibration, softmax(logits, axis=1), held_out, present)


def of_validation_or_none(
    name: str,
    dataset: Dataset,
    logits: np.ndarray,
    nothing: Predictions | None = None,
    windows: Predictions | None = None,
) -> Calibrated | None:
    """The same; None, and why in one line, where there can be none: a model ships without."""
    try:
        return of_validation(dataset, logits, nothing, windows)
    except (UserError, np.linalg.LinAlgError, MemoryError) as error:
        logger.warning("%s: uncalibrated: %s", name, " ".join(str(error).split()))
        return None


def log_calibration(client: "Store", run_id: str, name: str, made: Calibrated) -> None:
    """Metrics and the figure of a calibration into a run; what is there is not logged again."""
    client.log_changed_metrics(run_id, made.metrics)
    try:
        figure = reliability_figure(made.shares, made.held_out, made.present)
        client.log_figure(run_id, figure, "figures/reliability.png")
    except Exception as error:  # the calibration is there, whatever becomes of its picture
        if is_away(error):
            raise
        why = " ".join(str(error).split())
        logger.error("%s: the figure of its calibration is missing: %s", name, why)
