"""Independent streams of random numbers, each from a seed and what they are for."""

import numpy as np

# What a training draws, each a stream of its own.
NETWORK, EXCERPTS, PICK, BLUR, CHANGES, MARKS, BACKDROPS = range(7)


def sequence(seed: int, *key: int) -> np.random.SeedSequence:
    """The seeds of one stream: other keys, of any length, share nothing.

    Lists such as [seed, 1] and [seed, 1, 0] would give the same numbers; spawn keys don't.
    """
    return np.random.SeedSequence(seed, spawn_key=key)


def stream(seed: int, *key: int) -> np.random.Generator:
    """A generator of the stream `key` (what it is for, then a step or an epoch).

    >>> first, again, other = (stream(7, *key) for key in ((BLUR, 3), (BLUR, 3), (BLUR, 4)))
    >>> a, b, c = (generator.integers(1 << 30) for generator in (first, again, other))
    >>> bool(a == b), bool(a == c)
    (True, False)
    """
    return np.random.default_rng(sequence(seed, *key))


def torch_seed(seed: int, *key: int) -> int:
    """A seed for torch's own generator, of 63 bits."""
    return int(sequence(seed, *key).generate_state(1, np.uint64)[0] >> 1)
