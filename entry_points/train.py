"""Train models of the zoo."""

import _checkout  # noqa: F401

from birdml.commands.train import train

if __name__ == "__main__":
    train()
