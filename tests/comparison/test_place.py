"""What date, time and place added: against the same models without them."""

import numpy as np
import pytest

from birdml.comparison.page import page
from birdml.comparison.place import Alone, place_gain
from birdml.comparison.report import Compared, compare
from birdml.comparison.statistics import answers, resamples

NAMES = ("Avis <alba>", "Avis nigra", "Avis rara")
FOREGROUND = np.array([0, 0, 0, 1, 1, 1, 2, 2, -1])
N, C = len(FOREGROUND), 3
PRESENT = np.eye(C, dtype=bool)[FOREGROUND] & (FOREGROUND >= 0)[:, None]


def ranked(ranks):
    """Answers that give each foreground species this rank."""
    logits = np.zeros((N, C))
    for row, (label, rank) in enumerate(zip(FOREGROUND, ranks)):
        order = [other for other in range(C) if other != label]
        order.insert(rank - 1, label)
        logits[row, order[:C]] = [3, 2, 1]
    return answers(logits, FOREGROUND, PRESENT)


BEFORE = ranked([2, 2, 2, 1, 1, 1, 3, 3, 1])
AFTER = ranked([1, 1, 2, 2, 1, 1, 1, 1, 1])


def test_the_gain_is_that_of_the_recordings_paired():
    found = place_gain("both", AFTER, Alone(BEFORE, "heard"), FOREGROUND, NAMES, resamples(N))
    mean = (2 * 0.5 - 0.5 + 2 * (1 - 1 / 3)) / N
    assert found.gain.value == pytest.approx(mean, abs=1e-6)
    assert found.gain.low <= mean <= found.gain.high
    (gains,), (loses,) = found.most, found.least
    assert (gains.species, gains.recordings) == ("Avis <alba>", 3)
    assert gains.gain == pytest.approx(1 / 3)
    assert loses.species == "Avis nigra" and loses.gain == pytest.approx(-0.5 / 3)
    assert (found.better, found.worse) == (1, 1)  # Avis rara has too few recordings to tell


def test_the_page_shows_it_where_it_is_known_and_only_there():
    both = Compared("both", "ensemble", AFTER, alone=Alone(BEFORE, "audio1"))
    alone = Compared("audio1", "audio", BEFORE)
    told = compare("here", C, [both, alone], foreground=FOREGROUND, species=NAMES)
    html = page(told)
    assert "What date, time and place added" in html and "audio1 → both" in html
    assert "Avis &lt;alba&gt;" in html
    plain = compare("here", C, [alone], foreground=FOREGROUND, species=NAMES)
    assert "What date, time and place added" not in page(plain)
