"""Training on marks and on recordings of nothing: what is cut, what is the target, what sounds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from birdml.dataset.annotated import annotations
from birdml.dataset.recording import SAMPLE_RATE, Recording
from birdml.dataset.writing import write_dataset
from birdml.errors import UserError
from birdml.networks.build import build_network
from birdml.signal.excerpts import Excerpts
from birdml.signal.wav import AudioReader
from birdml.training.backdrops import mix_in
from birdml.training.feed import Feed
from birdml.training.losses import binary_cross_entropy
from birdml.training.marks import Marked
from birdml.training.objective import marked_targets
from birdml.training.trainer import train
from birdml.zoo.load import configure, load_zoo
from tests.datasets import make_dataset, tone, write
from tests.training.test_options import Notes

SMALL = (
    "channels=[4,6] width=8 shifts=1 mel_bands=40 excerpt_min=1.9 excerpt_max=2.2 batch_size=8 "
    "dropout=0.0 epochs=1 epoch_steps=6 length_buckets=3"
)
SECONDS = 20.0
MARKS = {  # of long recordings: begin, end, label
    "long0.wav": [(1.0, 1.5, 0), (10.0, 18.0, 1)],
    "long1.wav": [(4.0, 4.1, 2), (5.0, 5.2, 2), (5.0, 9.0, 0)],
    "quiet.wav": [(0.5, 1.0, 1)],
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("made") / "tiny")


@pytest.fixture(scope="module")
def dataset(plain, tmp_path_factory):
    """The small one with three long recordings that are annotated through, one of them to validate,
    and four of nothing."""
    folder = tmp_path_factory.mktemp("made") / "marked"
    rng = np.random.default_rng(1)
    recordings = [r for r in plain.recordings if r.split in ("train", "valid")]
    for recording in recordings:
        target = folder / "audio" / recording.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(plain.audio_path(recording).read_bytes())
    for name in MARKS:
        samples = (300 * rng.normal(size=int(SECONDS * SAMPLE_RATE))).astype(np.int16)
        for begin, end, label in MARKS[name]:
            first, last = int(begin * SAMPLE_RATE), int(end * SAMPLE_RATE)
            samples[first:last] = tone(label, last - first, rng)
        write(folder / "audio" / name, samples)
        split = "valid" if name == "quiet.wav" else "train"
        species = f"sp{MARKS[name][-1][2]}"
        recordings.append(Recording(name, split, species, samples=len(samples)))
    for number in range(4):
        name = f"noise/n{number}.wav"
        length = int((1 + 2 * number) * SAMPLE_RATE)
        write(folder / "audio" / name, (900 * rng.normal(size=length)).astype(np.int16))
        recordings.append(Recording(name, "noise_train", samples=length))
    rows = [(i, *mark) for i, name in enumerate(MARKS) for mark in MARKS[name]]
    file, start, end, label = np.array(rows).T
    unknown = np.full(len(rows), np.nan)
    marked = annotations(
        tuple(MARKS), file.astype(int), label.astype(int), start, end, unknown, unknown
    )
    return write_dataset(folder, "marked", plain.species, recordings, marked=marked)


def recipe(settings="", name="audio1"):
    return configure(load_zoo()[name], "", f"{SMALL} {settings}")


def feed_of(dataset, settings="", threads=2, split="train"):
    return Feed(dataset, split, recipe(settings), 3, threads)


def some(dataset):
    recordings = [r for r in dataset.recordings if r.file in ("long0.wav", "long1.wav")]
    lengths = np.array([r.samples for r in recordings])
    return Marked(dataset, recordings, lengths)


def cut(index, start, seconds=2.0):
    starts = np.array([int(start * SAMPLE_RATE)])
    return Excerpts(np.array([index]), starts, int(seconds * SAMPLE_RATE))


@pytest.mark.parametrize(
    ("index", "start", "heard"),
    [
        (0, 0.0, [0]),
        (0, 1.31, []),  # 0.19 s of half a second
        (0, 1.29, [0]),
        (0, 8.19, []),  # 0.19 s of 8 s
        (0, 8.21, [1]),
        (0, 12.0, [1]),
        (1, 2.06, [2]),  # more than half of 0.1 s
        (1, 2.04, []),
        (1, 4.0, [0, 2]),
        (1, 18.0, []),
    ],
)
def test_an_excerpt_holds_the_species_of_which_a_fifth_of_a_second_or_half_lies_in_it(
    index, start, heard, dataset
):
    assert np.flatnonzero(some(dataset).present(cut(index, start))[0]).tolist() == heard


def test_a_short_recording_that_is_looped_holds_all_its_marks(dataset):
    assert some(dataset).present(cut(0, 0, 60)).tolist() == [[True, True, False]]


def test_excerpts_are_moved_around_marks_as_often_as_asked_and_species_alike(dataset):
    marked, rng = some(dataset), np.random.default_rng(0)
    asked = Excerpts(np.tile([0, 1], 500), np.full(1000, int(18 * SAMPLE_RATE)), 2 * SAMPLE_RATE)
    assert not marked.present(asked)[1::2].any()
    for share in (0.0, 0.5, 1.0):
        moved = marked.around(asked, share, False, rng)
        assert np.mean(moved.starts != asked.starts) == pytest.approx(share, abs=0.06)
        assert ((moved.starts >= 0) & (moved.starts <= 18 * SAMPLE_RATE)).all()
    heard = marked.present(moved)
    assert heard.any(axis=1).all()
    assert heard[::2, 0].mean() == pytest.approx(0.5, abs=0.08)  # half a second as often as eight
    always = marked.around(asked, 0.0, True, rng)
    assert marked.present(always).any(axis=1).all()
    assert (always.starts[::2] != asked.starts[::2]).all() == (not marked.present(asked)[::2].any())


def test_the_excerpt_of_a_validation_recording_is_about_its_foreground(dataset):
    feed = feed_of(dataset, split="valid")
    for batch in feed.validation():
        for row, index in enumerate(batch.indices):
            if feed.recordings[index].file == "quiet.wav":
                assert batch.complete[row] and batch.heard[row].tolist() == [False, True, False]
                assert np.abs(batch.inputs["samples"][row].numpy().astype(int)).max() > 5000
            elif batch.complete is not None:
                assert not batch.complete[row]


def test_a_batch_says_what_is_heard_where_that_is_known(dataset):
    feed = feed_of(dataset)
    assert not any(r.split == "noise_train" for r in feed.recordings)
    known = 0
    for batch in feed.epoch(1):
        for row, index in enumerate(batch.indices):
            through = feed.recordings[index].file in MARKS
            assert bool(batch.complete[row]) == through
            known += through
            assert bool(batch.heard[row].any()) == through  # no excerpt without a mark
    assert known


def test_recordings_of_nothing_are_negatives_of_the_binary_loss_alone(dataset):
    feed = feed_of(dataset, "loss=binary around_marks=0.0")
    nothing = [i for i, r in enumerate(feed.recordings) if r.split == "noise_train"]
    assert len(nothing) == 4
    drawn, silent = 0, 0
    for number in range(1, 6):
        for batch in feed.epoch(number):
            for row, index in enumerate(batch.indices):
                if index in nothing:
                    drawn += 1
                    assert batch.complete[row] and not batch.heard[row].any()
                elif feed.recordings[index].file in MARKS:
                    silent += not batch.heard[row].any()
    assert drawn and silent, "excerpts without a mark are negatives too"


def test_batches_do_not_depend_on_threads(dataset):
    settings = "loss=binary noise=0.6"
    one, other = feed_of(dataset, settings, 1), feed_of(dataset, settings, 3)
    for a, b in zip(one.epoch(2), other.epoch(2), strict=True):
        assert torch.equal(a.inputs["samples"], b.inputs["samples"])
        assert torch.equal(a.heard, b.heard)


def test_without_marks_and_noise_nothing_changes(dataset, plain):
    bare = replace(dataset, annotations=None)
    for a, b in zip(feed_of(dataset, "marks=false").epoch(1), feed_of(bare).epoch(1), strict=True):
        assert torch.equal(a.inputs["samples"], b.inputs["samples"]) and a.heard is None
    moved = [a.inputs["samples"] for a in feed_of(dataset, "around_marks=1.0").epoch(1)]
    still = [a.inputs["samples"] for a in feed_of(bare).epoch(1)]
    assert not all(map(torch.equal, moved, still))


def test_backdrops_are_mixed_into_their_share_at_their_levels(dataset):
    paths = [dataset.audio_path(r) for r in dataset.split("noise_train")]
    rng = np.random.default_rng(0)
    clean = np.tile(tone(0, 2 * SAMPLE_RATE, rng), (400, 1))
    mixed = clean.copy()
    mix_in(mixed, AudioReader(paths), 0.3, np.random.default_rng(5))
    added = (mixed.astype(float) - clean).std(axis=1) / clean.astype(float).std()
    assert np.mean(added > 0) == pytest.approx(0.3, abs=0.07)
    decibels = 20 * np.log10(added[added > 0])
    assert -20.5 < decibels.min() < -17 and -3 < decibels.max() < 0.5
    silent = np.zeros((3, 1000), np.int16)
    mix_in(silent, AudioReader(paths), 1.0, rng)
    assert not silent.any()
    loud = np.full((1, 1000), 32767, np.int16)
    mix_in(loud, AudioReader(paths), 1.0, rng)
    assert (loud == 32767).any() and loud.min() > -20000  # cut, not wrapped


def test_noise_needs_recordings_of_nothing(plain):
    with pytest.raises(UserError, match=r"has none to train with: prepare it with -P noise="):
        feed_of(plain, "noise=0.3")
    with pytest.raises(UserError, match=r"noise is 1.5; it must be at most 1"):
        recipe("noise=1.5")


def test_targets_of_marks():
    present = torch.tensor([[True, True, False], [False, False, True], [False] * 3])
    assert marked_targets(present, False).tolist() == [[0.5, 0.5, 0], [0, 0, 1], [0, 0, 0]]
    assert marked_targets(present, True).tolist() == [[1.5, 1.5, 0], [0, 0, 2], [0, 0, 0]]


def test_where_all_is_known_no_wrong_species_is_ignored():
    logits, weights = torch.tensor([[3.0, -1.0, 0.5]] * 2), torch.tensor([[0.0, 1.0, 0.0]] * 2)
    losses = binary_cross_entropy(logits, weights, 10, torch.tensor([False, True]))
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits, weights, reduction="none")
    assert losses.tolist() == pytest.approx([float(each[0, 1]), float(each[1].mean())])


@pytest.mark.parametrize("loss", ["cross_entropy", "binary"])
def test_a_training_learns_from_what_is_heard(loss, dataset):
    """The first step's loss, worked out again from the batch."""
    settings = f"loss={loss} epoch_steps=1 learning_rate=1e-30 noise=0.5"
    settings += " batch_size=16 excerpt_min=1.6 excerpt_max=25.0"  # clips and long ones together
    wanted = recipe(settings)
    notes = Notes()
    train(wanted, dataset, 0, notes, feed_threads=1)
    network = build_network(wanted, 3)
    network.load_state_dict(notes.state.last.network)
    batch = next(Feed(dataset, "train", wanted, 0, 1).epoch(1))
    network.train()
    with torch.no_grad():
        logits = network(batch.inputs["samples"])
    expected = []
    for row in range(len(batch.indices)):
        label = int(batch.foreground[row])
        target = torch.zeros(3)
        if loss == "cross_entropy":
            assert not batch.complete[row] or batch.heard[row].any()
        if batch.complete[row]:
            target = batch.heard[row].float()
        else:
            target[label] = 1
        if loss == "cross_entropy":
            share = target / target.sum()
            expected.append(float(-(share * logits[row].log_softmax(0)).sum()))
        else:
            each = torch.nn.functional.binary_cross_entropy_with_logits(
                logits[row], target, reduction="none"
            )
            counts = target.bool() | batch.complete[row]
            expected.append(float(each[counts].mean()))
    assert batch.complete.any() and not batch.complete.all()
    record = notes.state.history[0]
    assert record["train_loss"] == pytest.approx(np.mean(expected), rel=1e-5)
    assert np.isfinite(record["valid_loss"])
