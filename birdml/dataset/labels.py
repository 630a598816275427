"""The label set: class ids, their Latin names, and the challenge editions they belong to."""

import re
from collections import Counter
from collections.abc import Sequence

from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording
from birdml.dataset.recording import Species

EDITIONS = {"2014": ("2014",), "2015": ("2014", "2015"), "2017": ("2017",)}


def class_id_of(recording: RawRecording) -> str:
    """The class id of the foreground species without blanks; '' where there is none."""
    return without_blanks(recording.class_id or recording.latin)


def without_blanks(name: str) -> str:
    """A name as a class id, which stands between blanks in a list."""
    return re.sub(r"[\s,]+", "_", name.strip())


class Vocabulary:
    """The species of a dataset's training recordings, and which names stand for them.

    Latin name and class id of different recordings may disagree: in both directions the pair
    used most wins (of equals the first in alphabetical order), the others are `overruled`.
    """

    def __init__(self, recordings: Sequence[RawRecording], given: Sequence[Species] = ()):
        """With a `given` label set, that one is kept as it is."""
        pairs = Counter((class_id_of(r), r.latin) for r in recordings)
        editions: dict[str, set[str]] = {}
        for recording in recordings:
            editions.setdefault(class_id_of(recording), set()).add(recording.edition)
        named = {pair: count for pair, count in pairs.items() if pair[1]}
        latin_of, over_latin = _most_used(named)
        self.class_of, over_class = _most_used({(b, a): n for (a, b), n in named.items()})
        self.overruled: list[Problem] = [*over_latin, *over_class]
        self.species = tuple(
            Species(
                class_id=class_id,
                latin_name=latin_of.get(class_id, ""),
                editions=tuple(
                    edition for edition, years in EDITIONS.items() if seen.intersection(years)
                ),
            )
            for class_id, seen in sorted(editions.items())
        )
        if given:
            self.species, self.overruled = tuple(given), []
            self.class_of = {s.latin_name: s.class_id for s in given if s.latin_name}
        self.class_ids = frozenset(s.class_id for s in self.species)

    def background(self, recording: RawRecording) -> tuple[tuple[str, ...], list[str]]:
        """Class ids of the background species, each once, and the names that stand for none."""
        known: dict[str, None] = {}
        unknown = []
        for name in recording.background:
            own = without_blanks(name)
            class_id = own if own in self.class_ids else self.class_of.get(name)
            if class_id is None:
                unknown.append(name)
            else:
                known[class_id] = None
        return tuple(known), unknown


def _most_used(pairs: dict[tuple[str, str], int]) -> tuple[dict[str, str], list[Problem]]:
    """For each first element the second one used with it most, and what lost."""
    by_first: dict[str, list[tuple[int, str]]] = {}
    for (first, second), count in pairs.items():
        by_first.setdefault(first, []).append((-count, second))
    winners, losers = {}, []
    for first, seconds in sorted(by_first.items()):
        seconds.sort()
        winners[first] = seconds[0][1]
        for count, second in seconds[1:]:
            losers.append(
                Problem(
                    first,
                    "species",
                    second,
                    f"used {-count} times; {winners[first]}, used {-seconds[0][0]} times, wins",
                )
            )
    return winners, losers
