"""What one step, one epoch and one verdict compute, worked out again beside the training loop.

Each test fails if the loop leaves one thing out: see the names.
"""

import math

import numpy as np
import pytest
import torch

from birdml.metadata import encode, metadata_table
from birdml.networks.build import build_network
from birdml.scoring import score
from birdml.training.epochs import EpochTraining
from birdml.training.feed import Feed
from birdml.training.trained import Setup
from birdml.training.trainer import train
from tests.training.test_trainer import Notes, dataset, recipe, same, trained_model

__all__ = ["dataset"]  # a fixture
STILL = "learning_rate=1e-30"  # nothing moves: every step sees the first weights


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def first_batch(wanted, dataset):
    return next(Feed(dataset, "train", wanted, 0, 1).epoch(1))


def first_network(wanted, dataset):
    notes = Notes()
    train(wanted, dataset, 0, notes, needs={}, feed_threads=1)
    network = build_network(wanted, len(dataset.classes))
    network.load_state_dict(notes.states[0].last.network)
    return network, notes


def expected_targets(batch, dataset, background):
    """Foreground 1; with background species as well, foreground 2 and each of them 1."""
    weights = np.zeros((len(batch.indices), len(dataset.classes)))
    recordings = Feed(dataset, "train", recipe("meta3"), 0).recordings
    for row, index in zip(weights, batch.indices):
        recording = recordings[index]
        row[dataset.label_of[recording.species]] = 1
        if background:
            for species in {recording.species, *recording.background}:
                row[dataset.label_of[species]] += 1
    return weights


@pytest.mark.parametrize("background", [False, True])
def test_the_loss_is_that_of_foreground_and_of_background_where_asked(background, dataset):
    wanted = recipe("meta3", f"{STILL} epoch_steps=1 epochs=1 background={str(background).lower()}")
    network, notes = first_network(wanted, dataset)
    batch = first_batch(wanted, dataset)
    weights = expected_targets(batch, dataset, background)
    assert (weights.sum() > 2 * len(weights)) == background, "some have background species"
    logits = network(batch.inputs["metadata"]).detach().numpy()
    expected = -(weights * log_softmax(logits)).sum(axis=1).mean()
    assert notes.metrics[0]["train_loss"] == pytest.approx(expected, rel=1e-5)


def test_a_teacher_adds_its_softmax_over_species(dataset):
    teacher, _, _ = trained_model("meta3", dataset)
    wanted = recipe("meta3", f"{STILL} epoch_steps=1 epochs=1 background=false teacher=meta3")
    notes = Notes()
    train(wanted, dataset, 0, notes, needs={"meta3": teacher}, feed_threads=1)
    network = build_network(wanted, len(dataset.classes))
    network.load_state_dict(notes.states[0].last.network)
    batch = first_batch(wanted, dataset)
    inputs = batch.inputs["metadata"]
    taught = np.exp(log_softmax(teacher.network(inputs).detach().numpy()))
    np.testing.assert_allclose(taught.sum(axis=1), 1, rtol=1e-5)
    weights = expected_targets(batch, dataset, False) + taught
    expected = -(weights * log_softmax(network(inputs).detach().numpy())).sum(axis=1).mean()
    assert notes.metrics[0]["train_loss"] == pytest.approx(expected, rel=1e-5)


def test_a_teacher_that_listens_does_so_without_dropout_and_is_not_changed(dataset):
    teacher, _, _ = trained_model("audio1", dataset, extra="dropout=0.9")
    before = {key: value.clone() for key, value in teacher.network.state_dict().items()}
    teacher.network.train()  # as somebody may hand it over
    wanted = recipe("audio2", f"{STILL} dropout=0.0 epoch_steps=1 epochs=1")
    losses = {}
    for name, needs in (("audio2", {"audio1": teacher}), ("alone", {})):
        notes = Notes()
        one = wanted if needs else recipe("audio2", f"{STILL} dropout=0.0 epoch_steps=1 teacher=''")
        train(one, dataset, 0, notes, needs=needs, feed_threads=1)
        losses[name] = notes.metrics[0]["train_loss"]
    same(before, teacher.network.state_dict())

    # The student itself, in training mode as it was, on the same batch.
    student = EpochTraining(Setup(wanted, dataset, 0, {"audio1": teacher}, "cpu", 1))
    batch = first_batch(wanted, dataset)
    with torch.no_grad():
        logits = student.network.train()(batch.inputs["samples"]).numpy()
        taught = teacher.network.eval()(batch.inputs["samples"]).softmax(dim=1).numpy()
    added = -(taught * log_softmax(logits)).sum(axis=1).mean()
    assert losses["audio2"] - losses["alone"] == pytest.approx(added, rel=1e-4)


def test_validation_is_done_without_dropout_and_without_blur(dataset):
    wanted = recipe("meta1", "epochs=1")
    network, notes = first_network(wanted, dataset)
    recordings = dataset.split("valid")
    table = metadata_table(recordings)
    inputs = encode(table, wanted.fields, wanted.date_phases, wanted.time_phases)
    logits = network(torch.from_numpy(inputs)).detach().numpy()
    labels = dataset.foreground(recordings)
    loss = -log_softmax(logits)[np.arange(len(labels)), labels].mean()
    assert notes.metrics[0]["valid_loss"] == pytest.approx(loss, rel=1e-5)
    found = score(logits, labels, dataset.present(recordings))
    assert notes.metrics[0]["valid_map"] == pytest.approx(found["map"])


def test_validation_of_a_network_that_listens_is_in_evaluation_mode(dataset):
    wanted = recipe("audio1", "dropout=0.8 epochs=1")
    network, notes = first_network(wanted, dataset)
    network.eval()
    total, count = 0.0, 0
    for batch in Feed(dataset, "valid", wanted, 0, 1).validation():
        with torch.no_grad():
            logits = network(batch.inputs["samples"]).numpy()
        total -= log_softmax(logits)[np.arange(len(logits)), batch.foreground].sum()
        count += len(logits)
    assert notes.metrics[0]["valid_loss"] == pytest.approx(total / count, rel=1e-4)


def test_after_going_back_the_next_epoch_starts_from_the_best_state_at_the_decayed_rate(dataset):
    extra = "learning_rate=5.0 epochs=40 learning_rate_decay=0.25 patience=2"
    _, trained, notes = trained_model("meta3", dataset, extra=extra)
    verdicts = [record["verdict"] for record in trained.history]
    back = verdicts.index("back")
    best = notes.states[back].best
    by_hand = EpochTraining(Setup(recipe("meta3", extra), dataset, 0, {}, "cpu", 1))
    by_hand.network.load_state_dict(best.network)
    by_hand._restore(best)
    for group in by_hand.optimiser.param_groups:
        group["lr"] = 5.0 * 0.25 * group["rate_factor"]
    by_hand._train_epoch(back + 2)
    same(by_hand.network.state_dict(), notes.states[back + 1].last.network)


def test_what_comes_out_is_the_best_state_and_not_the_last(dataset):
    extra = "learning_rate=5.0 epochs=5 patience=40"
    _, trained, notes = trained_model("meta3", dataset, extra=extra)
    assert trained.history[-1]["verdict"] == "worse"
    assert trained.best_epoch < 5
    last = notes.states[-1].last.network
    best = notes.states[trained.best_epoch - 1].last.network
    same(trained.network.state_dict(), best)
    assert any(not torch.equal(last[key], best[key]) for key in best)
    assert not trained.network.training


@pytest.mark.parametrize("criterion", ["valid_loss", "valid_map"])
def test_the_best_state_is_best_by_the_criterion_of_the_recipe(criterion, dataset):
    extra = f"learning_rate=0.3 epochs=8 patience=40 patience_criterion={criterion}"
    _, trained, notes = trained_model("meta3", dataset, extra=extra)
    values = [m[criterion] * (1 if criterion == "valid_loss" else -1) for m in notes.metrics]
    assert trained.best_epoch == int(np.argmin(values)) + 1


def test_metadata_networks_never_leave_single_precision(dataset):
    """Half precision is for networks that listen, on a GPU."""
    precisions = {
        (name, device): recipe(name).precision(device)
        for name in ("meta3", "audio1", "combined1")
        for device in ("cpu", "cuda:1")
    }
    assert {key for key, found in precisions.items() if found != "float32"} == {
        ("audio1", "cuda:1"),
        ("combined1", "cuda:1"),
    }
    combined = build_network(recipe("combined1"), len(dataset.classes)).eval()
    metadata = torch.rand(2, 14)
    with torch.autocast("cpu", torch.bfloat16):
        logits = combined.add(torch.zeros(2, 3), metadata)
    expected = combined.weight * combined.metadata(metadata)
    assert logits.dtype == torch.float32 and torch.equal(logits, expected)


def test_a_loss_is_the_mean_over_the_epoch(dataset):
    wanted = recipe("meta3", f"{STILL} epoch_steps=3 epochs=1")
    network, notes = first_network(wanted, dataset)
    losses = []
    for batch in Feed(dataset, "train", wanted, 0, 1).epoch(1):
        logits = network(batch.inputs["metadata"]).detach().numpy()
        weights = expected_targets(batch, dataset, True)
        losses.append(-(weights * log_softmax(logits)).sum(axis=1).mean())
    assert notes.metrics[0]["train_loss"] == pytest.approx(math.fsum(losses) / 3, rel=1e-5)
