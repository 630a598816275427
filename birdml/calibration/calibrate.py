"""From the validation logits of a model to its calibration."""

from collections.abc import Hashable, Sequence
from typing import Literal

import numpy as np
from scipy.special import softmax

from birdml.calibration.fitting import fit
from birdml.calibration.measures import measures
from birdml.calibration.saved import Calibration, FittedOn
from birdml.calibration.thresholds import evidence
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import Recording


def calibrate(
    logits: np.ndarray,
    present: np.ndarray,
    groups: Sequence[Hashable],
    dataset: Dataset,
    what: Literal["recordings", "windows"] = "recordings",
    seed: int = 0,
) -> tuple[Calibration, np.ndarray]:
    """The calibration of a model by logits [N, C] and truth bool [N, C], and the held-out
    probabilities [N, C] that its figures and thresholds are made of.

    Rows in which nothing is present are recordings of nothing. Raises UserError as `fit` does.
    """
    found = fit(logits, present, groups, seed)
    some = present.any(axis=1)
    return (
        Calibration(
            presence=found.presence,
            strength=found.strength,
            fitted_on=FittedOn(
                what=what,
                count=int(some.sum()),
                nothing=int((~some).sum()),
                dataset=dataset.name,
                digest=dataset.digest,
            ),
            species=dataset.classes,
            evidence=tuple(evidence(found.held_out, present)),
            measures={
                "before": measures(softmax(np.asarray(logits, np.float64), axis=1), present),
                "after": measures(found.held_out, present),
            },
        ),
        found.held_out,
    )


def site_and_day(recordings: Sequence[Recording]) -> list[Hashable]:
    """Recordings that should not be parted: those of one place (0.01 degree) and day.

    A recording that says neither is a group of its own.

    >>> here = Recording("a.wav", "valid", latitude=-3.101, longitude=-60.02, date="2020-05-01")
    >>> site_and_day([here, Recording("b.wav", "valid")])
    [(-3.1, -60.02, '2020-05-01'), 'b.wav']
    """

    def group(recording: Recording) -> Hashable:
        latitude, longitude = recording.latitude, recording.longitude
        if latitude is None or longitude is None or not recording.date:
            return recording.file
        return round(latitude, 2), round(longitude, 2), recording.date

    return [group(recording) for recording in recordings]
