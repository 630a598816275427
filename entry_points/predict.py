"""Predict the species of a dataset's recordings, or of any audio file."""

import _checkout  # noqa: F401

from birdml.commands.predict import predict

if __name__ == "__main__":
    predict()
