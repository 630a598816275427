"""A calibration on disk: read back as it was, refused where it is broken or of another model."""

import json

import numpy as np
import pytest

from birdml.calibration.calibrate import calibrate, site_and_day
from birdml.calibration.saved import FILE, load_calibration, save_calibration
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import Recording, Species
from birdml.errors import UserError
from tests.calibration.simulated import simulate

CLASSES = tuple(f"sp{i}" for i in range(5))


@pytest.fixture(scope="module")
def made():
    logits, present = simulate(np.random.default_rng(0), 300, species=5)
    dataset = Dataset(None, "made up", "0123", tuple(map(Species, CLASSES)), ())
    return logits, present, calibrate(logits, present, range(300), dataset)[0]


def test_a_calibration_comes_back_as_it_was(made, tmp_path):
    logits, present, calibration = made
    save_calibration(tmp_path, calibration)
    back = load_calibration(tmp_path, CLASSES)
    np.testing.assert_array_equal(
        back.presence.probabilities(logits), calibration.presence.probabilities(logits)
    )
    for ours, theirs in zip(back.evidence, calibration.evidence):
        np.testing.assert_allclose(ours.present, theirs.present, atol=1e-5)
        assert ours.positives == theirs.positives
    assert back.measures == calibration.measures
    assert back.fitted_on.nothing == (~present.any(axis=1)).sum()
    assert back.fitted_on.count == present.any(axis=1).sum()


def test_without_a_file_there_is_no_calibration(tmp_path):
    assert load_calibration(tmp_path, CLASSES) is None


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"method": "magic"}', b'{"method":' * 1000]
)
def test_a_broken_file_is_refused_in_one_line(content, tmp_path):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UserError, match=r"calibration\.json.*calibrate"):
        load_calibration(tmp_path, CLASSES)


@pytest.mark.parametrize("value", ["NaN", "Infinity", '"1"', "null", "[1]"])
def test_numbers_that_are_none_are_refused(made, tmp_path, value):
    save_calibration(tmp_path, made[2])
    form = json.loads((tmp_path / FILE).read_text())
    form["curves"]["coefficients"][0][0] = "HERE"
    (tmp_path / FILE).write_text(json.dumps(form).replace('"HERE"', value))
    with pytest.raises(UserError, match="coefficients"):
        load_calibration(tmp_path, CLASSES)


def test_curves_of_another_label_set_are_refused(made, tmp_path):
    save_calibration(tmp_path, made[2])
    with pytest.raises(UserError, match="label set"):
        load_calibration(tmp_path, CLASSES[::-1])


def test_recordings_of_one_site_and_day_are_one_group():
    one, same, night, elsewhere, unknown = site_and_day(
        [
            Recording("a", "valid", date="2020-01-01", latitude=1.001, longitude=2.0),
            Recording("b", "valid", date="2020-01-01", latitude=1.002, longitude=2.0),
            Recording("c", "valid", date="2020-01-02", latitude=1.001, longitude=2.0),
            Recording("d", "valid", date="2020-01-01", latitude=1.5, longitude=2.0),
            Recording("e", "valid", date="2020-01-01"),
        ]
    )
    assert one == same
    assert len({one, night, elsewhere, unknown}) == 4
