"""What a place promises, without any audio."""

import _checkout  # noqa: F401

from birdml.commands.species import species

if __name__ == "__main__":
    species()
