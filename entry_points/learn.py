"""What more recordings would bring, as MAP against recordings of each species."""

import _checkout  # noqa: F401

from birdml.commands.learn import learn

if __name__ == "__main__":
    learn()
