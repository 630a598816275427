"""Raw recordings of any layout -> a prepared dataset."""

import _checkout  # noqa: F401

from birdml.commands.prepare import prepare

if __name__ == "__main__":
    prepare()
