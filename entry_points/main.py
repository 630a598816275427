"""The whole way: prepare, train, predict, ensemble, submit."""

import _checkout  # noqa: F401

from birdml.commands.main import main

if __name__ == "__main__":
    main()
