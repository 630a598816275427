"""Made-up predictions: models that agree on something, and what was really there."""

import numpy as np

from birdml.ensemble.objective import Objective


def made_up(
    models: int, recordings: int, classes: int, seed: int = 0, ties: bool = False
) -> Objective:
    """Models of differing worth and scale; with `ties`, whole numbers that are often equal."""
    rng = np.random.default_rng([seed, models, recordings, classes])
    foreground = rng.integers(0, classes, recordings)
    present = rng.random((recordings, classes)) < 1.5 / classes
    present[np.arange(recordings), foreground] = True
    common = rng.standard_normal((recordings, classes)) + 2 * present
    logits = np.stack(
        [
            common * rng.uniform(0.2, 1) + rng.standard_normal(common.shape) * rng.uniform(0.5, 2)
            for _ in range(models)
        ]
    ).astype(np.float32)
    return Objective.of_all(np.rint(logits) if ties else logits, foreground, present)
