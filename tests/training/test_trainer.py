"""A training learns, resumes into the same numbers, and says which batch broke it."""

import copy
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from birdml.errors import UserError
from birdml.training.checkpoint import load_checkpoint, save_checkpoint
from birdml.training.feed import Feed
from birdml.training.trained import Diverged
from birdml.training.trainer import train
from birdml.zoo.load import configure, load_zoo
from birdml.zoo.saved import SavedModel
from tests.datasets import make_dataset

SMALL = "channels=[4,6] width=8 excerpt_min=1.6 excerpt_max=2.4 mel_bands=40 batch_size=4"
QUICK = {
    "audio1": f"{SMALL} epoch_steps=6 epochs=3",
    "audio2": f"{SMALL} epoch_steps=4 epochs=1",
    "meta3": "hidden=[16,16] epoch_steps=30 epochs=4 patience=1 patience_trials=3",
    "meta1": "hidden=[16,16] epoch_steps=30 epochs=2",
    "audio10": f"{SMALL} epoch_steps=2 epochs=1",
    "combined1": f"{SMALL} hidden=[16,16] epoch_steps=3 epochs=2",
}


class Notes:
    """A recorder that keeps what it is told; may start from a state, or stop after an epoch."""

    def __init__(self, state=None, stop_after=None):
        self.state, self.stop_after, self.states, self.metrics = state, stop_after, [], []

    def resume(self):
        return self.state

    def epoch(self, metrics, state):
        self.metrics.append(metrics)
        self.states.append(copy.deepcopy(state))
        if len(self.states) == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("made") / "tiny")


def recipe(name, extra=""):
    return configure(load_zoo()[name], "", f"{QUICK[name]} {extra}")


def trained_model(name, dataset, needs=None, extra=""):
    notes = Notes()
    wanted = recipe(name, extra)
    trained = train(wanted, dataset, 0, notes, needs=needs, feed_threads=1)
    model = SavedModel(wanted, trained.network, dataset.species, dataset.name, dataset.digest, name)
    return model, trained, notes


def same(one, other):
    assert one.keys() == other.keys()
    for key in one:
        assert torch.equal(one[key], other[key]), key


def test_a_metadata_model_learns_what_tells_the_species_apart(dataset):
    _, _, notes = trained_model("meta3", dataset, extra="epochs=8 patience=9")
    assert notes.metrics[-1]["valid_map"] > 0.9
    assert notes.metrics[-1]["train_loss"] < 0.7 * notes.metrics[0]["train_loss"]


def test_an_audio_model_learns_to_tell_pitches_apart(dataset):
    settings = "shifts=1 width=16 epochs=5 epoch_steps=20 learning_rate=0.005 dropout=0.0"
    notes = Notes()
    train(recipe("audio1", settings), dataset, 1, notes, feed_threads=1)
    assert max(m["valid_map"] for m in notes.metrics) > 0.7  # 0.61 by chance
    assert notes.metrics[-1]["train_loss"] < 0.6 * notes.metrics[0]["train_loss"]


def test_fields_that_no_training_recording_has_are_named(dataset, caplog):
    recordings = tuple(replace(r, time="", elevation=None) for r in dataset.recordings)
    train(recipe("meta3", "epochs=1"), replace(dataset, recordings=recordings), 0, Notes())
    assert caplog.messages == [
        "meta3: no training recording has time, elevation: it learns from date, latitude, longitude"
    ]


def test_epochs_of_hours_are_said_once(dataset, caplog, monkeypatch):
    monkeypatch.setattr("birdml.training.epochs.LONG_EPOCH", 0.0)
    train(recipe("meta3", "epochs=2"), dataset, 0, Notes())
    assert [m.partition(" about ")[0] for m in caplog.messages] == ["meta3: one epoch will take"]
    assert "-P profile=demo" in caplog.messages[0]


@pytest.mark.parametrize("name", ["meta3", "audio1"])
def test_the_same_seed_gives_the_same_numbers_whatever_the_number_of_threads(name, dataset):
    results = [
        train(recipe(name), dataset, seed, Notes(), feed_threads=threads)
        for seed, threads in ((0, 1), (0, 3), (1, 1))
    ]
    same(results[0].network.state_dict(), results[1].network.state_dict())
    assert results[0].history == results[1].history
    assert results[0].history != results[2].history


@pytest.mark.parametrize("name", ["meta3", "audio1"])
def test_a_resumed_training_ends_in_the_numbers_of_an_uninterrupted_one(name, dataset, tmp_path):
    whole = train(recipe(name), dataset, 0, Notes(), feed_threads=1)
    for stop in range(1, recipe(name).epochs):
        notes = Notes(stop_after=stop)
        with pytest.raises(KeyboardInterrupt):
            train(recipe(name), dataset, 0, notes, feed_threads=1)
        save_checkpoint(tmp_path / "state.safetensors", notes.states[-1])
        state = load_checkpoint(tmp_path / "state.safetensors")
        resumed = train(recipe(name), dataset, 0, Notes(state), feed_threads=1)
        same(whole.network.state_dict(), resumed.network.state_dict())
        assert resumed.history == whole.history


def test_patience_goes_back_to_the_best_state_at_a_lower_rate_and_ends(dataset):
    # A huge rate makes the first epoch the best one of each trial.
    _, trained, notes = trained_model("meta3", dataset, extra="learning_rate=5.0 epochs=40")
    verdicts = [record["verdict"] for record in trained.history]
    assert verdicts.count("back") == 2 and verdicts[-1] == "end"
    back = verdicts.index("back")
    assert notes.metrics[back + 1]["learning_rate"] == pytest.approx(0.5)
    best = notes.states[back].best
    same(notes.states[back].last.network, best.network)
    assert trained.best_epoch == np.argmin([-m["valid_map"] for m in notes.metrics]) + 1


def test_a_student_refuses_a_teacher_of_other_species(dataset):
    teacher, _, _ = trained_model("audio1", dataset)
    stranger = SavedModel(
        teacher.recipe, teacher.network, dataset.species[:2], "other", "d", "audio1"
    )
    with pytest.raises(UserError, match="other species"):
        train(recipe("audio2"), dataset, 0, Notes(), needs={"audio1": stranger})


def test_a_combined_model_starts_from_the_weights_of_its_parts(dataset):
    audio, _, _ = trained_model("audio10", dataset)
    metadata, _, _ = trained_model("meta1", dataset)
    needs = {"audio10": audio, "meta1": metadata}
    frozen, _, _ = trained_model("combined1", dataset, needs, "learning_rate=1e-30 epochs=1")
    for part, source in (("audio", audio), ("metadata", metadata)):
        got = {
            k.removeprefix(f"{part}."): v
            for k, v in frozen.network.state_dict().items()
            if k.startswith(f"{part}.") and not k.endswith(("mean", "inv_std"))
        }
        same(got, {k: source.network.state_dict()[k] for k in got})


def test_a_loss_that_is_no_number_names_the_batch_and_its_recordings(dataset):
    with pytest.raises(Diverged, match=r"epoch 1, batch \d+, of train/LIFECLEF2015"):
        train(recipe("meta3", "learning_rate=1e30"), dataset, 0, Notes(), feed_threads=1)
    # Batch norm hides huge weights while training.
    with pytest.raises(Diverged, match="on the validation set"):
        train(
            recipe("audio1", "learning_rate=1e30 epoch_steps=1"),
            dataset,
            0,
            Notes(),
            feed_threads=1,
        )


def test_an_epoch_has_all_its_steps_in_order_whatever_the_number_of_threads(dataset):
    wanted = recipe("audio1", "epoch_steps=23")
    epochs = [
        [batch.indices.tolist() for batch in Feed(dataset, "train", wanted, 0, threads).epoch(2)]
        for threads in (1, 3)
    ]
    assert len(epochs[0]) == 23 and epochs[0] == epochs[1]


def test_what_a_dataset_cannot_give_is_said(dataset, tmp_path):
    silent = make_dataset(tmp_path / "silent", audio=False)
    with pytest.raises(UserError, match="has no audio"):
        train(recipe("audio1"), silent, 0, Notes())


KILLED = textwrap.dedent("""
    import json, os, sys
    from birdml.dataset.opening import open_dataset
    from birdml.training.checkpoint import load_checkpoint, save_checkpoint
    from birdml.training.trainer import train
    from birdml.zoo.load import configure, load_zoo
    folder, state, settings = sys.argv[1:]

    class Recorder:
        def resume(self):
            return load_checkpoint(state) if os.path.exists(state) else None
        def epoch(self, metrics, new):
            save_checkpoint(state, new)
            print("epoch", flush=True)

    recipe = configure(load_zoo()["meta3"], "", settings)
    trained = train(recipe, open_dataset(folder), 0, Recorder(), feed_threads=1)
    print(json.dumps([trained.history, [float(p.sum()) for p in trained.network.parameters()]]))
""")


def test_a_training_killed_again_and_again_ends_in_the_same_numbers(dataset, tmp_path):
    settings = QUICK["meta3"].replace("epochs=4", "epochs=30").replace("patience=1", "patience=30")
    rng = np.random.default_rng(0)

    def start(state):
        command = [sys.executable, "-c", KILLED, str(dataset.folder), str(state), settings]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    whole = start(tmp_path / "whole").communicate(timeout=900)[0].splitlines()[-1]
    kills = 0
    while kills < 2:
        process = start(tmp_path / "killed")
        for _ in range(rng.integers(1, 6)):
            process.stdout.readline()  # an epoch is over
        time.sleep(rng.uniform(0, 0.03))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
    killed = start(tmp_path / "killed").communicate(timeout=900)[0].splitlines()
    assert len(killed) < 28, "it went on from where it was"
    assert json.loads(killed[-1]) == json.loads(whole)
