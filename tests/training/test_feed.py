"""What a training is fed: blurred before it is encoded, named without being read, else refused."""

from dataclasses import replace

import numpy as np
import pytest

from birdml.dataset.recording import FIELDS
from birdml.dataset.writing import write_dataset
from birdml.errors import UserError
from birdml.metadata import encode, metadata_table
from birdml.training.feed import Feed, without_replacement
from birdml.zoo.load import configure, load_zoo
from tests.datasets import make_dataset

SMALL = "excerpt_min=0.5 excerpt_max=0.9 batch_size=4 epoch_steps=7"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("made") / "tiny")


def batches(dataset, name, settings="", epoch=1, split="train"):
    recipe = configure(load_zoo()[name], "", settings)
    feed = Feed(dataset, split, recipe, 0, 2)
    return feed, list(feed.epoch(epoch) if split == "train" else feed.validation())


def encoded(feed, indices):
    recipe = feed.recipe
    return encode(feed.table[indices], recipe.fields, recipe.date_phases, recipe.time_phases)


@pytest.mark.parametrize("family", ["meta", "combined"])
def test_training_metadata_are_blurred_as_the_recipe_says_and_no_others(family, dataset):
    name, settings = ("meta3", "epoch_steps=9") if family == "meta" else ("combined1", SMALL)
    for blur, same in (("none", True), ("default", False), ("more", False)):
        feed, found = batches(dataset, name, f"{settings} blur={blur}")
        for batch in found:
            clean = encoded(feed, batch.indices)
            assert np.array_equal(batch.inputs["metadata"].numpy(), clean) == same
        feed, found = batches(dataset, name, f"{settings} blur={blur}", split="valid")
        for batch in found:
            np.testing.assert_array_equal(batch.inputs["metadata"], encoded(feed, batch.indices))


def test_noise_is_added_to_days_and_minutes_and_not_to_their_encoding(dataset):
    """Phases half a circle apart stay opposite, and a known value's flag stays 1."""
    feed, found = batches(dataset, "meta1", "epoch_steps=20 blur=more date_phases=2 time_phases=2")
    table = metadata_table(feed.recordings)
    for batch in found:
        values = batch.inputs["metadata"].numpy()
        known = ~np.isnan(table[batch.indices])
        np.testing.assert_array_equal(values[:, : len(FIELDS)], known)
        for first, field in ((5, 0), (7, 1)):  # sqrt 2 sin, sqrt 2 cos
            radius = (values[:, first : first + 2] ** 2).sum(axis=1)
            np.testing.assert_allclose(radius, 2.0 * known[:, field], rtol=1e-5)
        scaled = values[:, 9] * 12.0 - 6.4  # latitude in degrees
        off = scaled - table[batch.indices, 2]
        assert 0 < np.abs(off).max() < 20


def test_the_amount_of_noise_is_that_of_the_recipe(dataset):
    recipe = configure(load_zoo()["meta1"], "", "epoch_steps=3000")
    feed = Feed(dataset, "train", recipe, 0)
    off = [
        batch.inputs["metadata"][:, 5 + 6 + 0].numpy() * 12.0 - 6.4 - feed.table[batch.indices, 2]
        for batch in feed.epoch(1)
    ]
    assert np.std(np.concatenate(off)) == pytest.approx(1.0, rel=0.05)  # degree


@pytest.mark.parametrize(("name", "settings"), [("audio1", SMALL), ("meta3", "epoch_steps=7")])
def test_the_recordings_of_a_batch_are_named_without_reading_any(
    name, settings, dataset, monkeypatch
):
    feed, found = batches(dataset, name, settings, epoch=3)
    for broken in ("_training_batch", "_encoded"):
        monkeypatch.setattr(feed, broken, lambda *_: pytest.fail("reads"))
    for step, batch in enumerate(found):
        expected = [feed.recordings[i].file for i in batch.indices]
        assert feed.files_of(3, step) == expected


def test_streams_of_excerpts_and_noise_share_nothing(dataset):
    """Lists as seeds would give [seed, 1] and [seed, 1, 0] the same numbers."""
    from birdml.streams import BLUR, CHANGES, EXCERPTS, NETWORK, PICK, stream, torch_seed

    keys = [(kind, n) for kind in (NETWORK, EXCERPTS, PICK, BLUR, CHANGES) for n in range(4)]
    keys += [(kind,) for kind in range(5)] + [(0, 0, 0)]
    first = {tuple(stream(7, *key).integers(1 << 60, size=4)) for key in keys}
    assert len(first) == len(keys)
    assert len({torch_seed(7, NETWORK, n) for n in range(100)}) == 100
    assert stream(7, 1, 2).random() == stream(7, 1, 2).random() != stream(8, 1, 2).random()


def test_a_batch_holds_no_recording_twice():
    rng = np.random.default_rng(0)
    for population, size in ((5, (200, 4)), (1000, (200, 16)), (16, (50, 16))):
        rows = without_replacement(population, size, rng)
        assert rows.shape == size and rows.min() >= 0 and rows.max() < population
        assert all(len(set(row)) == size[1] for row in rows.tolist())
    counts = np.bincount(without_replacement(10, (3000, 3), rng).ravel(), minlength=10)
    assert np.abs(counts - 900).max() < 150  # each as likely as the others


def test_a_metadata_model_of_recordings_without_any_metadata_is_refused(dataset, tmp_path):
    recordings = [
        replace(r, date="", time="", latitude=None, longitude=None, elevation=None, samples=0)
        for r in dataset.recordings
        if r.split != "soundscapes_val"
    ]
    bare = write_dataset(tmp_path / "bare", "bare", dataset.species, recordings)
    with pytest.raises(UserError, match=r"'bare' has any metadata that meta3 reads \(date, time"):
        batches(bare, "meta3")
    # A date is known, but it is what this model leaves out.
    dated = [replace(r, date="2015-03-04") for r in recordings]
    dated = write_dataset(tmp_path / "dated", "dated", dataset.species, dated)
    batches(dated, "meta3")
    with pytest.raises(UserError, match="that meta4 reads"):
        batches(dated, "meta4")


def test_fields_that_no_recording_has_are_named(tmp_path):
    made = make_dataset(tmp_path / "whole", audio=False)
    nowhere = [replace(r, latitude=None, longitude=None, time="") for r in made.recordings]
    poor = write_dataset(tmp_path / "poor", "poor", made.species, nowhere)
    feed = Feed(poor, "train", load_zoo()["place1"], 0)
    assert feed.unknown_fields == ["time", "latitude", "longitude"]
    assert Feed(made, "train", load_zoo()["place1"], 0).unknown_fields == []
    assert Feed(poor, "train", load_zoo()["meta14"], 0).unknown_fields == ["time"]
