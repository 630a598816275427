"""Give registered models from before a calibration, without training."""

import _checkout  # noqa: F401

from birdml.commands.calibrate import calibrate

if __name__ == "__main__":
    calibrate()
