"""Embeddings by a pretrained encoder, of a dataset or of any audio files."""

import _checkout  # noqa: F401

from birdml.commands.embed import embed

if __name__ == "__main__":
    embed()
