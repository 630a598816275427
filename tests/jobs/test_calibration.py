"""What is registered is calibrated on its validation logits, or says why it is not."""

from dataclasses import replace

import numpy as np
import pytest

from birdml.dataset.annotated import annotations
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import NOISE_VALID, Recording, Species
from birdml.errors import UserError
from birdml.jobs.calibration import (
    log_calibration,
    of_annotated,
    of_nothing,
    of_validation,
    of_validation_or_none,
)
from birdml.prediction.predictions import Predictions
from tests.calibration.simulated import simulate

CLASSES = tuple(f"sp{i}" for i in range(5))


def dataset(present, nothing=0, **changes) -> Dataset:
    """Recordings of these species, each of a place of its own, and some of nothing."""
    recordings = []
    for row, labels in enumerate(map(np.flatnonzero, present)):
        ids = [CLASSES[label] for label in labels]
        recordings.append(
            Recording(f"{row}.wav", "valid", ids[0] if ids else "", tuple(ids[1:]), **changes)
        )
    recordings += [Recording(f"rain{row}.wav", NOISE_VALID) for row in range(nothing)]
    return Dataset(None, "made up", "0123", tuple(map(Species, CLASSES)), tuple(recordings))


@pytest.fixture(scope="module")
def simulated():
    logits, present = simulate(np.random.default_rng(0), 300, species=5, nothing=0.0)
    return logits, present


def test_a_calibration_is_fitted_on_validation_and_measured_before_and_after(simulated):
    logits, present = simulated
    made = of_validation(dataset(present), logits)
    assert made.calibration.species == CLASSES and made.calibration.fitted_on.count == 300
    assert set(made.metrics) == {
        f"calibration/{key}{when}"
        for key in ("log_loss", "brier", "ece")
        for when in ("", "_before")
    }
    assert made.metrics["calibration/log_loss"] < made.metrics["calibration/log_loss_before"]
    assert f"{made.metrics['calibration/log_loss']:.4f} (of the softmax" in made.in_words


def test_recordings_of_an_unknown_species_are_no_recordings_of_nothing(simulated):
    logits, present = simulated
    unknown = dataset(present)
    recordings = tuple(
        replace(r, species="dodo") if row % 3 == 0 else r
        for row, r in enumerate(unknown.recordings)
    )
    made = of_validation(replace(unknown, recordings=recordings), logits)
    assert made.calibration.fitted_on.count == 200 and made.calibration.fitted_on.nothing == 0


def test_recordings_of_nothing_are_negatives(simulated):
    logits, present = simulated
    quiet = Predictions([f"rain{i}.wav" for i in range(60)], None, logits[:60].min() - logits[:60])
    made = of_validation(dataset(present, 60), logits, quiet)
    assert made.calibration.fitted_on.nothing == 60 and len(made.present) == 360
    assert not made.present[300:].any() and "and 60 of nothing" in made.in_words


def test_of_nothing_is_asked_for_where_there_is_some_and_done_without_where_it_fails(
    simulated, caplog
):
    def never(split):
        raise UserError("no audio")

    _, present = simulated
    assert of_nothing("m", dataset(present), never) is None
    assert of_nothing("m", dataset(present, 3), lambda split: split) == NOISE_VALID
    assert not caplog.messages
    assert of_nothing("m", dataset(present, 3), never) is None
    assert caplog.messages == ["m: calibrated without recordings of nothing: no audio"]


def test_where_there_can_be_none_it_is_said_in_one_line(simulated, caplog):
    logits, present = simulated
    place = {"latitude": 1.0, "longitude": 2.0, "date": "2015-01-02"}
    cases = {
        "two groups": (dataset(present, **place), logits),
        "of 0 pairs": (dataset(present[:0]), logits[:0]),
        "of 300 pairs of recording and species 300": (
            replace(dataset(present[:, :1] | True), species=(Species("sp0"),)),
            logits[:, :1],
        ),
        "no numbers": (dataset(present), logits * np.nan),
    }
    for words, (made_up, given) in cases.items():
        assert of_validation_or_none("meta3", made_up, given) is None
        said = caplog.messages.pop()
        assert said.startswith("meta3: uncalibrated: ") and words in said and "\n" not in said


def test_metrics_and_figure_are_logged_once(simulated, client):
    logits, present = simulated
    made = of_validation(dataset(present), logits)
    run = client.create_run(client.create_experiment("e")).info.run_id
    for _ in range(2):
        log_calibration(client, run, "m", made)
    assert client.get_run(run).data.metrics == made.metrics
    assert len(client.get_metric_history(run, "calibration/ece")) == 1
    assert [f.path for f in client.list_artifacts(run, "figures")] == ["figures/reliability.png"]


def annotated(dataset, share, seconds=20.0):
    """The dataset with a share of its validation recordings annotated through: its foreground
    species is marked from 6 to 9 s."""
    valid = [r for r in dataset.recordings if r.split == "valid"]
    through = valid[: round(share * len(valid))]
    labels = dataset.foreground(through)
    count = np.ones(len(through))
    marked = annotations(
        [r.file for r in through],
        np.arange(len(through)),
        labels.astype(int),
        *(6 * count, 9 * count, np.nan * count, np.nan * count),
    )
    return replace(dataset, annotations=marked)


def windows_of(dataset, logits_of):
    """Predictions of windows: 4 of each recording."""

    def predict(split):
        files = [r.file for r in dataset.split(split) for _ in range(4)]
        starts = np.tile(5.0 * np.arange(4), len(files) // 4)
        return Predictions(files, starts, logits_of(files, starts))

    return predict


def test_annotated_validation_recordings_count_by_their_windows(simulated):
    _, present = simulated
    rng = np.random.default_rng(1)
    through = annotated(dataset(present, 10), 0.6)
    known = {r.file: r.species for r in through.recordings}

    def logits_of(files, starts):
        right = np.array([[c == known[f] for c in CLASSES] for f in files])
        return rng.normal(size=right.shape) + 4 * (right & (starts == 5.0)[:, None])

    predict = windows_of(through, logits_of)
    windows = of_annotated("m", through, predict)
    assert len(windows.files) == 4 * (180 + 10)
    made = of_validation(through, np.zeros((300, 5)), None, windows)
    on = made.calibration.fitted_on
    assert (on.what, on.count, on.nothing) == ("windows", 180, 3 * 180 + 40)
    assert made.present.sum() == 180 and made.metrics["calibration/log_loss"] < 0.1
    assert "180 validation windows and 580 of nothing" in made.in_words
    assert of_annotated("m", annotated(dataset(present), 0.4), predict) is None
    assert of_annotated("m", dataset(present), predict) is None


def test_a_model_that_cannot_hear_windows_is_calibrated_on_recordings(simulated, caplog):
    def predict(split):
        raise UserError("no audio")

    assert of_annotated("m", annotated(dataset(simulated[1]), 1.0), predict) is None
    assert "m: calibrated on recordings, not on windows: no audio" in caplog.messages
