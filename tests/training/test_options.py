"""Options that no published model uses: each one does its work in a training, or says why not."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from birdml.errors import UserError
from birdml.metadata import encode, metadata_table
from birdml.networks.build import build_network
from birdml.networks.layers import GroupDropout, LogMeanExpPool2d
from birdml.training.optimiser import sum_of_squares
from birdml.training.trainer import train
from birdml.zoo.load import configure, load_zoo
from birdml.zoo.saved import SavedModel
from tests.datasets import make_dataset

AUDIO = (
    "channels=[4,6] width=8 shifts=1 mel_bands=40 excerpt_min=1.9 excerpt_max=2.2 batch_size=4 "
    "dropout=0.0 epochs=1 epoch_steps=2"
)
META = "hidden=[16,16] epochs=1 epoch_steps=20"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("made") / "tiny")


class Notes:
    """Keeps the states of a training; may start from one, or stop after the first."""

    def __init__(self, state=None, stop=False):
        self.state, self.stop = state, stop

    def resume(self):
        return self.state

    def epoch(self, metrics, state):
        self.state = copy.deepcopy(state)
        if self.stop:
            raise KeyboardInterrupt


def recipe(name, settings):
    return configure(load_zoo()[name], "", f"{META if name[0] == 'm' else AUDIO} {settings}")


def trained(dataset, settings="", name="audio1", **more):
    return train(recipe(name, settings), dataset, 0, Notes(), feed_threads=1, **more)


def losses(dataset, settings="", **more):
    """Losses of training and validation after one epoch."""
    record = trained(dataset, settings, **more).history[0]
    assert np.isfinite([record["train_loss"], record["valid_loss"]]).all()
    return record["train_loss"], record["valid_loss"]


def uneven(dataset):
    """The dataset with few training recordings of its first species."""
    rare = [r for r in dataset.recordings if r.split == "train" and r.species == "sp0"]
    return replace(dataset, recordings=[r for r in dataset.recordings if r not in rare[2:]])


def test_layers_of_a_recipe():
    wanted = recipe("audio1", "conv_groups=2 channel_dropout=0.1 group_dropout=0.2")
    trunk = build_network(replace(wanted, dense_groups=2, layer_pooling="lme2.5"), 3).trunk
    convolutions = [m for m in trunk if isinstance(m, nn.Conv2d)]
    assert [c.groups for c in convolutions] == [1, 2, 2, 2, 2, 2, 2]
    assert {m.p for m in trunk if isinstance(m, nn.Dropout2d)} == {0.1}
    assert {(m.groups, m.p) for m in trunk if isinstance(m, GroupDropout)} == {(2, 0.2)}
    assert [m.sharpness for m in trunk if isinstance(m, LogMeanExpPool2d)] == [2.5, 2.5]
    assert not any(isinstance(m, nn.MaxPool2d) for m in trunk)
    field = {
        dilated: build_network(recipe("audio10", f"dilated={dilated}"), 3).receptive_field
        for dilated in ("true", "false")
    }
    assert field["true"] > field["false"] == 119


@pytest.mark.parametrize(
    "settings",
    [
        "conv_groups=2",
        "dense_groups=2",
        "channel_dropout=0.3",
        "conv_groups=2 group_dropout=0.3",
        "layer_pooling=lme1",
        "trunk=residual dilated=true layer_pooling=lme1",
        "pooling=att3 loss=step_attention mixup=0.3",
        "loss=binary pooling=noisy_or background=true",
        "mixup=0.3",
        "mixup=0.3 mixup_labels=true",
        "filter_db=10.0",
        "max_stretch=0.2",
        "max_shift=0.2",
        "l2_decay=0.01",
    ],
)
def test_an_option_changes_what_is_learned_and_each_run_the_same(dataset, settings):
    one, other = trained(dataset, settings), trained(dataset, settings)
    assert one.history == other.history
    plain = trained(dataset, "trunk=residual" if "residual" in settings else "")
    weights = [torch.cat([p.flatten() for p in t.network.parameters()]) for t in (one, plain)]
    assert torch.isfinite(weights[0]).all()
    assert weights[0].shape != weights[1].shape or not torch.equal(*weights)


def test_changes_of_excerpts_follow_from_seed_and_step_only(dataset):
    settings = "mixup=0.3 mixup_labels=true filter_db=6.0 max_stretch=0.1 max_shift=0.1 epochs=2"
    whole = trained(dataset, settings)
    notes = Notes(stop=True)
    with pytest.raises(KeyboardInterrupt):
        train(recipe("audio1", settings), dataset, 0, notes, feed_threads=2)
    resumed = train(recipe("audio1", settings), dataset, 0, Notes(notes.state), feed_threads=3)
    assert resumed.history == whole.history


def test_mixing_the_labels_makes_other_targets_of_the_same_mixtures(dataset):
    first = "epoch_steps=1 mixup=0.3"
    mixed, labels = losses(dataset, first)[0], losses(dataset, f"{first} mixup_labels=true")[0]
    assert mixed != losses(dataset, "epoch_steps=1")[0]
    assert mixed != labels


def test_pseudo_labels_are_added_to_the_targets(dataset, tmp_path):
    recordings = dataset.split("train")
    sure = 100 * np.eye(3, dtype=np.float32)[dataset.foreground(recordings)]
    np.save(tmp_path / "logits.npy", sure)
    names = "\n".join(r.file for r in recordings)
    (tmp_path / "recordings.csv").write_text(f"file\n{names}\n")
    first = "epoch_steps=1"
    plain = losses(dataset, first)[0]
    assert losses(dataset, f"{first} pseudo_labels={tmp_path}")[0] == pytest.approx(2 * plain)
    np.save(tmp_path / "logits.npy", sure[:, :2])
    with pytest.raises(UserError, match="3 species"):
        trained(dataset, f"pseudo_labels={tmp_path}")
    with pytest.raises(UserError, match=r"pseudo_labels is '.*nowhere', but"):
        trained(dataset, f"pseudo_labels={tmp_path}/nowhere")


def test_class_weighting_favours_the_rare_species(dataset):
    def share(settings):
        network = trained(uneven(dataset), f"{settings} blur=none", name="meta1").network
        with torch.no_grad():
            return float(network(torch.zeros(1, 14)).softmax(dim=1)[0, 0])

    assert share("class_weighting=1.0") > share("") + 0.02


def test_weight_decay_keeps_weights_small_and_is_no_part_of_the_loss(dataset):
    free, held = (trained(dataset, f"l2_decay={x} epochs=2") for x in (0.0, 10.0))
    assert sum_of_squares(held.network) < sum_of_squares(free.network)
    first = [losses(dataset, f"epoch_steps=1 l2_decay={x}")[0] for x in (0.0, 10.0)]
    assert first[0] == first[1]


def test_logits_of_the_binary_loss_are_of_each_species_on_its_own(dataset):
    settings = "loss=binary ignored_top=0 epoch_steps=400 blur=none background=false"
    network = trained(dataset, settings, name="meta3").network
    recordings = dataset.split("valid")
    wanted = recipe("meta3", "")
    inputs = encode(metadata_table(recordings), wanted.fields, 12, 3)
    with torch.no_grad():
        heard = network(torch.from_numpy(inputs)).sigmoid()
    right = torch.eye(3)[torch.from_numpy(dataset.foreground(recordings))].bool()
    assert heard[right].min() > 0.6 and heard[~right].max() < 0.4
    ignoring = trained(dataset, "loss=binary ignored_top=2", name="meta3").history[0]["train_loss"]
    all_count = trained(dataset, "loss=binary ignored_top=0", name="meta3").history[0]["train_loss"]
    assert ignoring != all_count


def test_teachers_and_combined_models_take_changed_excerpts(dataset):
    def untrained(name):
        wanted = recipe(name, META if name == "meta1" else "")
        network = build_network(wanted, 3)
        return SavedModel(wanted, network, dataset.species, dataset.name, dataset.digest, name)

    settings = "mixup=0.3 filter_db=6.0 max_stretch=0.1"
    assert losses(dataset, settings, name="audio2", needs={"audio1": untrained("audio1")})
    needs = {name: untrained(name) for name in ("audio10", "meta1")}
    changed = losses(dataset, f"hidden=[16,16] {settings}", name="combined1", needs=needs)
    assert changed != losses(dataset, "hidden=[16,16]", name="combined1", needs=needs)


@pytest.mark.parametrize(
    ("name", "settings", "complaint"),
    [
        ("audio1", "conv_groups=3", "conv_groups is 3; it must divide"),
        ("audio1", "dense_groups=4", "dense_groups is 4; it must divide"),
        ("audio1", "conv_groups=0", "conv_groups is 0"),
        ("audio10", "conv_groups=2", "conv_groups is for plain trunks"),
        ("audio10", "channel_dropout=0.1", "channel_dropout is for plain trunks"),
        ("audio1", "dilated=true", "dilated is for residual units"),
        ("audio1", "group_dropout=0.5", "it needs conv_groups"),
        ("audio1", "channel_dropout=1.0", "channel_dropout is 1.0"),
        ("audio1", "layer_pooling=mean", "layer_pooling is 'mean'; it can be max or lme1"),
        ("audio1", "pooling=lme0", "pooling is 'lme0'; it can be lme1, att16"),
        ("audio1", "loss=hinge", "it can be cross_entropy, step_attention, binary"),
        ("audio1", "loss=step_attention", "with pooling such as"),
        ("meta1", "loss=step_attention", "for audio models"),
        ("audio2", "loss=binary", "teacher gives targets that are not 0 or 1"),
        ("audio1", "loss=binary class_weighting=0.5", "class_weighting gives targets"),
        ("audio1", "ignored_top=-1", "ignored_top is -1"),
        ("audio1", "mixup=-0.1", "mixup is -0.1"),
        ("audio1", "mixup_labels=true", "it needs mixup above 0"),
        ("audio1", "max_shift=1.0", "max_shift is 1.0"),
        ("audio1", "filter_db=nan", "filter_db is nan"),
    ],
)
def test_impossible_settings_are_refused_by_name(name, settings, complaint):
    with pytest.raises(UserError, match=complaint):
        recipe(name, settings)


def test_excerpts_too_short_for_the_network_are_refused(dataset):
    with pytest.raises(UserError, match=r"excerpt_min is 1.2 s.*needs 103"):
        trained(dataset, "excerpt_min=1.2")
    with pytest.raises(UserError, match=r"excerpt_min is 1.9 s"):
        trained(dataset, "max_stretch=0.5")
