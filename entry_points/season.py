"""A page of a season: what was heard where and when, and how long it was listened."""

import _checkout  # noqa: F401

from birdml.commands.season import season

if __name__ == "__main__":
    season()
