"""Write the challenge's files with a registered model."""

import _checkout  # noqa: F401

from birdml.commands.submit import submit

if __name__ == "__main__":
    submit()
