"""Search by example: windows that sound like a clip."""

import _checkout  # noqa: F401

from birdml.commands.similar import similar

if __name__ == "__main__":
    similar()
