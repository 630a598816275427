"""Scores of a submission file, or of detections against annotations."""

import _checkout  # noqa: F401

from birdml.commands.score import score

if __name__ == "__main__":
    score()
