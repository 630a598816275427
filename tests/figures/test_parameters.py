"""Figures of what a frontend learned."""

import numpy as np
import pytest

from birdml.figures.parameters import band_centres, frontend, mel_bands

BANK = np.zeros((465, 3))
BANK[[10, 20, 30], [0, 1, 2]] = 1.0
HERTZ_PER_BIN = 22050 / 1024


def test_centres_of_bands_are_in_kilohertz():
    np.testing.assert_allclose(band_centres(BANK), np.array([10, 20, 30]) * HERTZ_PER_BIN / 1000)
    assert np.isnan(band_centres(np.zeros((465, 2)))).all()


def test_frontend_draws_the_learned_power_and_the_bands():
    figure = frontend(BANK, np.arange(3.0), np.ones(3), 0.25)
    power, bands = figure.axes
    assert "0.250" in power.get_title(loc="left")
    x, y = power.lines[-1].get_data()
    np.testing.assert_allclose(y, x**0.25)
    np.testing.assert_allclose(bands.lines[0].get_ydata(), [0, 1, 2])


@pytest.mark.parametrize("exponent", [None, 0.5])
def test_another_compression_has_no_exponent(exponent):
    figure = frontend(BANK, np.arange(3.0), np.ones(3), exponent)
    assert len(figure.axes) == (1 if exponent is None else 2)


def test_mel_bands_show_where_bands_went():
    moved = np.roll(BANK, 5, axis=0)
    _, peaks = mel_bands(moved, BANK).axes
    before, after = (line.get_ydata() for line in peaks.lines)
    np.testing.assert_allclose(after - before, 5 * HERTZ_PER_BIN / 1000)
