"""Weights for an ensemble of registered models, and the model that ships."""

import _checkout  # noqa: F401

from birdml.commands.ensemble import ensemble

if __name__ == "__main__":
    ensemble()
