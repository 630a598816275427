"""Search by example: the windows whose embeddings point the same way."""

import numpy as np

BLOCK = 1 << 14  # windows compared at once: bounds the memory


def nearest(
    vectors: np.ndarray, queries: np.ndarray, top: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `top` of W windows that are nearest to any of Q by cosine, the nearest first.

    The cosine of a window is that to the query it is nearest to; of a vector of zeros it is 0.
    Equal cosines stand in the order of windows.

    Args:
        vectors: [W, D], for example a memory map; read once, block by block.
        queries: [Q, D], at least one.
        top: how many; fewer are given where there are fewer.

    Returns:
        Windows int64 [top], their cosines float32 [top], and which query each is nearest to, int64
        [top].

    Raises:
        ValueError: where shapes disagree.
    """
    if vectors.ndim != 2 or queries.ndim != 2 or queries.shape[1:] != vectors.shape[1:]:
        raise ValueError(f"[W, D] and [Q, D] expected: {vectors.shape}, {queries.shape}")
    if not len(queries):
        raise ValueError("no query")
    wanted = _unit(queries).T
    rows, best, which = np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.int64)
    for start in range(0, len(vectors), BLOCK):
        cosines = _unit(vectors[start : start + BLOCK]) @ wanted
        nearest_query = cosines.argmax(axis=1)
        rows = np.append(rows, np.arange(start, start + len(cosines)))
        best = np.append(best, cosines.max(axis=1))
        which = np.append(which, nearest_query)
        order = np.argsort(-best, kind="stable")[:top]
        rows, best, which = rows[order], best[order], which[order]
    return rows, best, which


def _unit(vectors: np.ndarray) -> np.ndarray:
    """float32 [n, D] of length 1."""
    vectors = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
