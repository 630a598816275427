"""Every option of the zoo, forward and backward on a device that is not the CPU.

torch's meta device computes shapes only, and refuses tensors that were left on the CPU: what would
fail on a GPU fails here.
"""

import pytest
import torch

from birdml.training.epochs import EpochTraining
from birdml.training.feed import Feed
from birdml.training.trained import Setup
from birdml.training.trainer import TRAININGS
from birdml.zoo.load import configure, load_zoo
from birdml.zoo.saved import SavedModel
from tests.training.test_trainer import SMALL, dataset

__all__ = ["dataset"]  # a fixture
TINY = {
    "audio": f"{SMALL} epoch_steps=1",
    "meta": "hidden=[8,8] epoch_steps=1",
    "combined": f"{SMALL} hidden=[8,8] epoch_steps=1",
    "place": "units=8 epochs=1",
    "kernel": "epoch_steps=1",
    "combined_place": f"{SMALL} units=8 epoch_steps=1",
}
OPTIONS = [
    *(("audio1", f"magnitude={m}") for m in ("power", "log", "log1p", "log1p_learn", "pcen")),
    *(("audio1", f"pooling={p}") for p in ("lme1", "att4", "max", "mean", "noisy_or")),
    ("audio1", "filterbank=mel_learn"),
    ("audio1", "filterbank=mel_learn mel_spread=0.5"),
    ("audio1", "mixup=0.3"),
    ("audio1", "mixup=0.3 mixup_labels=true"),
    ("audio1", "filter_db=6.0 max_stretch=0.1 max_shift=0.1 excerpt_min=2.0"),
    ("audio1", "conv_groups=2 group_dropout=0.3 channel_dropout=0.3 dense_groups=2"),
    ("audio1", "layer_pooling=lme2"),
    ("audio1", "loss=binary background=true ignored_top=1"),
    ("audio3", "loss=step_attention"),
    ("audio1", "class_weighting=0.5 l2_decay=0.01"),
    ("audio10", "dilated=true"),
    ("meta3", "class_weighting=0.5 l2_decay=0.01"),
    ("meta3", "field_dropout=0.3 blur=more"),
    ("combined1", "filter_db=6.0 mixup=0.3"),
    ("place1", "background=false repeats=0.0"),
    ("place1", "class_weighting=0.5 l2_decay=0.01"),
    ("place1", "loss=binary ignored_top=1"),
    ("place1", "schedule=constant epoch_steps=2 blocks=0"),
]


def step(recipe, dataset):
    """One training step and one validation batch on the meta device; the loss."""
    zoo = load_zoo()
    needs = {}
    for name in recipe.needs:
        from birdml.networks.build import build_network

        wanted = configure(zoo[name], "", TINY[zoo[name].family])
        network = build_network(wanted, len(dataset.classes))
        needs[name] = SavedModel(
            wanted, network, dataset.species, dataset.name, dataset.digest, name
        )
    setup = Setup(recipe, dataset, 0, {n: needs[n] for n in recipe.needs}, "meta", 1)
    training = TRAININGS.get(recipe.family, EpochTraining)(setup)
    training.network.train()
    batch = next(Feed(dataset, "train", recipe, 0, 1).epoch(1))
    loss = training._step(batch.to(torch.device("meta")), 0)
    assert all(p.device.type == "meta" for p in training.network.parameters())
    return loss


FITTED = ("place_kernel", "head")  # not in steps
TRAINED = [name for name, recipe in load_zoo().items() if recipe.family not in FITTED]


@pytest.mark.parametrize("name", TRAINED)
def test_every_published_model_trains_on_one_device(name, dataset):
    recipe = load_zoo()[name]
    loss = step(configure(recipe, "", TINY[recipe.family]), dataset)
    assert loss.device.type == "meta" and loss.shape == ()


@pytest.mark.parametrize(("name", "settings"), OPTIONS)
def test_every_option_trains_on_one_device(name, settings, dataset):
    recipe = load_zoo()[name]
    loss = step(configure(recipe, "", f"{TINY[recipe.family]} {settings}"), dataset)
    assert loss.device.type == "meta"
