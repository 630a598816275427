"""Train and valid: stratified, grouped, the same everywhere."""

from collections import Counter

import numpy as np

from birdml.dataset.split import choose_valid, groups


def made_up(seed: int, number: int = 2000):
    rng = np.random.default_rng(seed)
    species = [f"s{int(s)}" for s in np.minimum(rng.geometric(0.05, number), 60)]
    days = [int(d) for d in rng.integers(0, number // 3, number)]
    return [f"r{i:05d}" for i in range(number)], species, days


def test_groups_join_what_shares_a_key_over_any_number_of_steps():
    assert groups([["a"], ["b"], ["a", "c"], [], ["c", "d"], ["d"]]) == [0, 1, 0, 3, 0, 0]


def test_no_group_is_parted_and_every_species_is_trained():
    names, species, days = made_up(1)
    valid, without = choose_valid(names, species, days, 0.1, 0)
    assert not {days[i] for i in valid} & {days[i] for i in range(len(names)) if i not in valid}
    trained = {species[i] for i in range(len(names)) if i not in valid}
    assert trained == set(species)
    assert set(without) == set(species) - {species[i] for i in valid}


def test_each_species_has_about_its_share():
    names, species, days = made_up(2)
    valid, _ = choose_valid(names, species, days, 0.1, 0)
    total, held = Counter(species), Counter(species[i] for i in valid)
    for name, count in total.items():
        if count >= 20:
            assert 0.05 * count <= held[name] <= 0.2 * count, name
    assert 0.08 < len(valid) / len(names) < 0.13


def test_a_species_that_is_too_small_stays_in_train_and_is_named():
    names = ["a", "b", "c", "d", "e"]
    species = ["one", "two", "two", "grouped", "grouped"]
    valid, without = choose_valid(names, species, ["1", "2", "3", "4", "4"], 0.1, 0)
    assert without == ["grouped", "one"]
    assert {species[i] for i in valid} == {"two"}


def test_the_order_of_recordings_does_not_matter_and_the_seed_does():
    names, species, days = made_up(3)
    valid, _ = choose_valid(names, species, days, 0.1, 7)
    order = np.random.default_rng(0).permutation(len(names))
    shuffled, _ = choose_valid(
        *([values[i] for i in order] for values in (names, species, days)), 0.1, 7
    )
    assert {names[i] for i in valid} == {names[order[i]] for i in shuffled}
    other, _ = choose_valid(names, species, days, 0.1, 8)
    assert valid != other


def test_the_draw_is_the_same_on_every_machine():
    """Names that were once drawn; another answer is another split of everybody's datasets."""
    names = [f"r{i}" for i in range(20)]
    valid, _ = choose_valid(names, ["s"] * 20, names, 0.2, 0)
    assert sorted(names[i] for i in valid) == ["r1", "r16", "r18", "r6"]


def test_without_validation():
    assert choose_valid(["a", "b"], ["s", "s"], [1, 2], 0.0, 0) == (set(), ["s"])
