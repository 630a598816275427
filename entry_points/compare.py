"""Trained models side by side: one HTML page and a table."""

import _checkout  # noqa: F401

from birdml.commands.compare import compare

if __name__ == "__main__":
    compare()
