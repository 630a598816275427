import itertools

import numpy as np
import pytest

from birdml.scoring.events import event_matches
from tests.annotations.made import marks


def counts(truth, found, **how):
    got = event_matches(truth, found, 3, **how)
    return got.right.tolist(), got.found.tolist(), got.positives.tolist()


def test_overlap_decides_and_each_is_paired_once():
    truth = marks([(0, 0, 0, 2), (0, 0, 2, 4), (0, 1, 0, 2)])
    found = marks([(0, 0, 0, 2), (0, 0, 0.1, 2), (0, 1, 1, 3)])
    assert counts(truth, found) == ([1, 0, 0], [2, 1, 0], [2, 1, 0])
    assert counts(truth, found, iou=1 / 3) == ([1, 1, 0], [2, 1, 0], [2, 1, 0])


def test_the_most_pairs_count_not_the_first_ones():
    # the first detection fits both marks, the second only the first mark
    truth = marks([(0, 0, 0, 10), (0, 0, 4, 14)])
    found = marks([(0, 0, 2, 12), (0, 0, 0, 9)])
    assert counts(truth, found)[0] == [2, 0, 0]


def test_onsets_within_a_tolerance_whatever_the_ends():
    truth = marks([(0, 0, 1.0, 2), (0, 0, 5, 5)])
    found = marks([(0, 0, 1.2, 99), (0, 0, 5.3, 6)])
    assert counts(truth, found, onset=0.2)[0] == [1, 0, 0]
    assert counts(truth, found, onset=0.3)[0] == [2, 0, 0]


def test_recordings_and_species_are_kept_apart():
    files = ("r", "s")
    truth = marks([(0, 0, 0, 2), (1, 1, 0, 2)], files)
    found = marks([(1, 0, 0, 2), (0, 1, 0, 2)], files)
    assert counts(truth, found)[0] == [0, 0, 0]
    assert counts(truth, truth)[0] == [1, 1, 0]


@pytest.mark.parametrize("nothing", [(marks([]), marks([(0, 0, 0, 1)])), (marks([]), marks([]))])
def test_nothing_on_a_side_is_no_error(nothing):
    assert counts(*nothing)[0] == counts(*nothing[::-1])[0] == [0, 0, 0]


def best_by_trying(truth, found, iou, onset):
    def fits(t, d):
        if t[:2] != d[:2]:
            return False
        if onset is not None:
            return abs(t[2] - d[2]) <= onset + 1e-9
        shared = min(t[3], d[3]) - max(t[2], d[2])
        return shared > 0 and shared / (t[3] - t[2] + d[3] - d[2] - shared) >= iou - 1e-9

    if len(truth) < len(found):
        truth, found = found, truth
    return max(
        sum(fits(truth[t], found[d]) for d, t in enumerate(order))
        for order in itertools.permutations(range(len(truth)), len(found))
    )


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("how", [(0.5, None), (0.2, None), (1.0, None), (0.5, 1.0)])
def test_as_many_pairs_as_trying_all_of_them(seed, how):
    rng = np.random.default_rng(seed)

    def some(count):
        starts = rng.integers(0, 8, count) / 2
        return [
            (
                int(rng.integers(0, 2)),
                int(rng.integers(0, 2)),
                start,
                start + rng.integers(1, 6) / 2,
            )
            for start in starts.tolist()
        ]

    truth, found = some(5), some(6)
    files = ("r", "s")
    got = event_matches(marks(truth, files), marks(found, files), 3, iou=how[0], onset=how[1])
    assert got.right.sum() == best_by_trying(truth, found, *how)
