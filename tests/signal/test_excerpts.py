import itertools

import numpy as np
import pytest
import soundfile

from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.signal.excerpts import Excerpts, TrainingExcerpts, loop, read, validation_batches
from birdml.signal.spectrogram import num_frames
from birdml.signal.wav import AudioReader
from tests.golden import load_json, load_npz


def test_golden_loop():
    arrays = load_npz("loop.npz")
    cases = [key[2:] for key in arrays if key.startswith("in")]
    assert cases
    for case in cases:
        ours = loop(arrays[f"in{case}"], int(arrays[f"len{case}"]))
        np.testing.assert_array_equal(ours, arrays[f"out{case}"])


def test_golden_validation_batching():
    about = load_json("validation_batching.json")
    lengths = np.array(about["file_lengths"])
    assert about["sample_rate"] == SAMPLE_RATE
    assert about["cases"]
    for case in about["cases"]:
        ours = validation_batches(lengths, case["batchsize"], case["len_min"], case["len_max"])
        assert len(ours) == sum(map(len, case["splits"]))
        for split, batches in enumerate(case["splits"]):  # 2018 dealt batches out to threads
            for batch, theirs in zip(ours[split :: case["num_splits"]], batches, strict=True):
                assert batch.indices.tolist() == theirs["file_index"]
                assert batch.samples == theirs["target_len"]
                if batch.samples:  # where an excerpt of nothing starts is nothing
                    assert batch.starts.tolist() == theirs["start"]
                looped = lengths[batch.indices] < batch.samples
                assert looped.tolist() == theirs["looped"]
                frames = num_frames(batch.samples)
                assert [len(batch.indices), frames] == theirs["spect_shape"][:2]


@pytest.fixture
def lengths():
    rng = np.random.default_rng(3)
    seconds = np.concatenate([rng.uniform(1, 5, 40), rng.uniform(5, 30, 160), [31, 50, 90]])
    rng.shuffle(seconds)
    return (seconds * SAMPLE_RATE).astype(np.int64)


def draw(lengths, batch_size=16, seed=1, buckets=10):
    return TrainingExcerpts(lengths, batch_size, 5, 30, buckets, seed)


def test_a_batch_depends_on_seed_and_step_alone(lengths):
    a, b = draw(lengths), draw(lengths)
    a.batch(0)
    for step in (7, 3, 7):
        for left, right in zip(vars(a.batch(step)).values(), vars(b.batch(step)).values()):
            np.testing.assert_array_equal(left, right)
    assert a.batch(7).indices.tolist() != draw(lengths, seed=2).batch(7).indices.tolist()


def test_excerpts_lie_within_their_recordings(lengths):
    excerpts = draw(lengths)
    for step in range(300):
        batch = excerpts.batch(step)
        whole = lengths[batch.indices]
        assert len(batch.indices) == 16
        assert 5 * SAMPLE_RATE <= batch.samples <= 30 * SAMPLE_RATE
        assert (batch.starts >= 0).all()
        fits = whole >= batch.samples
        assert (batch.starts + batch.samples <= whole)[fits].all()
        if not fits.all():  # only the short bucket is looped
            assert (whole < 5 * SAMPLE_RATE).all()
            assert batch.samples == 5 * SAMPLE_RATE
            assert (batch.starts == 0).all()
        elif (whole <= 30 * SAMPLE_RATE).all():
            assert batch.samples == whole.min()


def test_buckets_between_are_equal_in_count_and_ordered(lengths):
    buckets = draw(lengths).buckets
    assert len(buckets) == 10
    assert [len(bucket) for bucket in buckets] == [40] + 8 * [20] + [3]
    assert sorted(np.concatenate(buckets)) == list(range(len(lengths)))
    for left, right in itertools.pairwise(buckets):
        assert lengths[left].max() <= lengths[right].min()


def test_a_recording_comes_twice_in_a_batch_only_if_its_bucket_is_small(lengths):
    excerpts = draw(lengths)
    for step in range(400):
        indices = excerpts.batch(step).indices
        bucket = next(b for b in excerpts.buckets if indices[0] in b)
        most = -(-16 // len(bucket))
        assert np.bincount(indices).max() == most


def test_every_recording_is_equally_likely(lengths):
    excerpts, steps = draw(lengths), 6000
    counts = np.zeros(len(lengths))
    for step in range(steps):
        np.add.at(counts, excerpts.batch(step).indices, 1)
    expected = steps * 16 / len(lengths)
    assert counts.mean() == pytest.approx(expected)
    # a bucket of 3 gives 16 at once: its draws are few and its counts spread most
    assert counts.min() > 0.5 * expected
    assert counts.max() < 1.6 * expected


def test_starts_cover_all_of_the_range():
    lengths = np.array([5 * SAMPLE_RATE, 5 * SAMPLE_RATE + 3])
    excerpts = draw(lengths, batch_size=2)
    starts = [excerpts.batch(step) for step in range(200)]
    drawn = {int(batch.starts[batch.indices == 1][0]) for batch in starts if 1 in batch.indices}
    assert drawn == {0, 1, 2, 3} or drawn == {0}
    alone = draw(lengths[1:] + 31 * SAMPLE_RATE, batch_size=1)
    assert len({int(alone.batch(step).starts[0]) for step in range(50)}) > 40


@pytest.mark.parametrize("seconds", [[1.0], [7.0], [100.0], [1.0, 100.0], [6.0, 6.0, 6.0]])
def test_empty_buckets_are_no_trouble(seconds):
    excerpts = draw((np.array(seconds) * SAMPLE_RATE).astype(int))
    seen = {int(i) for step in range(50) for i in excerpts.batch(step).indices}
    assert seen == set(range(len(seconds)))


def test_no_recordings_is_an_error():
    with pytest.raises(UserError, match="no recordings"):
        draw(np.array([], int))


def test_read_crops_and_loops(tmp_path):
    samples = np.arange(1000, dtype=np.int16)
    for name, length in {"long": 1000, "short": 30, "empty": 0}.items():
        soundfile.write(tmp_path / f"{name}.wav", samples[:length], SAMPLE_RATE)
    reader = AudioReader([tmp_path / f"{name}.wav" for name in ("long", "short", "empty")])
    batch = read(reader, Excerpts(np.array([1, 0, 2]), np.array([0, 500, 0]), 80))
    assert batch.dtype == np.int16
    np.testing.assert_array_equal(batch[0], np.resize(samples[:30], 80))
    np.testing.assert_array_equal(batch[1], samples[500:580])
    np.testing.assert_array_equal(batch[2], 0)
