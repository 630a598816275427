"""Dividing recordings between train and valid: stratified per species, and in groups.

Recordings that must not be parted (by the same recordist at the same place on the same day) form
a group; a group goes to valid as a whole or not at all. The choice depends only on the seed and
the names of the recordings: not on the order of files, the machine or the version of numpy.
"""

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence


def groups(keys: Sequence[Iterable[Hashable]]) -> list[int]:
    """For each of N recordings, given the keys it has, the index of its group's first member.

    Recordings that share any key are in one group, over any number of steps.

    >>> groups([["a"], ["b"], ["a", "c"], ["c"], []])
    [0, 1, 0, 0, 4]
    """
    parent = list(range(len(keys)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[Hashable, int] = {}
    for i, own in enumerate(keys):
        for key in own:
            a, b = sorted((root(i), root(first.setdefault(key, i))))
            parent[b] = a
    return [root(i) for i in range(len(keys))]


def choose_valid(
    names: Sequence[str],
    species: Sequence[str],
    group: Sequence[Hashable],
    fraction: float,
    seed: int,
) -> tuple[set[int], list[str]]:
    """Which of N recordings are for validation, and the species that have none there.

    Species by species, rarest first, groups are taken in an order drawn by the seed until the
    species has `fraction` of its recordings in valid (rounded, but at least one of two). A group
    is left alone if a species would lose its last training recording by it, or if it brings
    more recordings beyond what is wanted than recordings that are wanted.
    """
    totals = Counter(species)
    wanted = {
        s: max(round(n * fraction), 1 if n > 1 and fraction > 0 else 0) for s, n in totals.items()
    }
    members: dict[Hashable, list[int]] = {}
    for i in sorted(range(len(names)), key=lambda i: names[i]):
        members.setdefault(group[i], []).append(i)
    draw = {
        key: hashlib.sha256(f"{seed}/{names[own[0]]}".encode()).digest()
        for key, own in members.items()
    }
    content = {key: Counter(species[i] for i in own) for key, own in members.items()}
    of_species: dict[str, list[Hashable]] = {}
    for key in sorted(members, key=lambda key: draw[key]):
        for name in content[key]:
            of_species.setdefault(name, []).append(key)

    held: Counter[str] = Counter()
    chosen: set[Hashable] = set()

    def excess(key: Hashable) -> int:
        """Recordings of the group beyond what is wanted, less those that are wanted."""
        balance = 0
        for name, count in content[key].items():
            useful = min(count, max(0, wanted[name] - held[name]))
            balance += count - 2 * useful
        return balance

    def take(key: Hashable) -> None:
        chosen.add(key)
        held.update(content[key])

    for name in sorted(totals, key=lambda name: (totals[name], name)):
        for generous in (False, True):  # the second time only to have the species in valid at all
            for key in of_species[name]:
                if held[name] >= wanted[name] or (generous and held[name]):
                    break
                leaves_some = all(held[s] + n < totals[s] for s, n in content[key].items())
                if key not in chosen and leaves_some and (generous or excess(key) <= 0):
                    take(key)
    valid = {i for key in chosen for i in members[key]}
    return valid, sorted(name for name in totals if not held[name])
