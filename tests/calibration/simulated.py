"""Logits with known truth: species of different commonness, recordings of nothing among them."""

import numpy as np


def simulate(rng, recordings=4000, species=12, nothing=0.2, slope=1.5):
    """Logits [N, C] as a network gives them and what is present, bool [N, C].

    Every recording holds one species and perhaps a second; a share of them holds nothing. Logits
    of what is present are higher, by an amount of its own for each species.
    """
    common = rng.dirichlet(np.full(species, 2.0))
    present = np.zeros((recordings, species), dtype=bool)
    rows = np.flatnonzero(rng.random(recordings) >= nothing)
    present[rows, rng.choice(species, len(rows), p=common)] = True
    more = rows[rng.random(len(rows)) < 0.3]
    present[more, rng.choice(species, len(more), p=common)] = True
    gain = rng.uniform(2, 5, species)
    return slope * (present * gain + rng.normal(size=present.shape)), present
