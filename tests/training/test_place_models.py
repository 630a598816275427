"""Models of place are trained by what their recipes say."""

import numpy as np
import pytest
import torch

from birdml.networks.build import build_network
from birdml.training.feed import Feed
from birdml.training.optimiser import one_cycle
from birdml.training.repeats import repeat_weights
from birdml.training.trainer import train
from birdml.zoo.load import configure, load_zoo
from birdml.zoo.saved import SavedModel, load_model, save_model
from tests.training.test_trainer import Notes, dataset, same

__all__ = ["dataset"]  # a fixture
QUICK = {
    "place1": "units=16 epochs=6 batch_size=8 learning_rate=0.02",
    "place2": "epoch_steps=4 batch_size=8 epochs=2",
    "place3": "units=16",
}


def trained(name, dataset, extra="", needs=None, notes=None):
    recipe = configure(load_zoo()[name], "", f"{QUICK[name]} {extra}")
    notes = notes or Notes()
    found = train(recipe, dataset, 0, notes, needs=needs, feed_threads=1)
    model = SavedModel(recipe, found.network, dataset.species, dataset.name, dataset.digest, name)
    return model, found, notes


@pytest.mark.parametrize("name", ["place1", "place2"])
def test_it_learns_resumes_and_is_the_same_for_any_number_of_threads(name, dataset):
    model, whole, notes = trained(name, dataset)
    assert notes.metrics[-1]["train_loss"] < notes.metrics[0]["train_loss"]
    stopped = Notes(stop_after=1)
    with pytest.raises(KeyboardInterrupt):
        trained(name, dataset, notes=stopped)
    _, resumed, _ = trained(name, dataset, notes=Notes(stopped.states[-1]))
    same(whole.network.state_dict(), resumed.network.state_dict())
    again = train(model.recipe, dataset, 0, Notes(), feed_threads=3)
    same(whole.network.state_dict(), again.network.state_dict())


def test_the_last_state_counts_whatever_came_before(dataset):
    _, found, notes = trained("place1", dataset, "learning_rate=5.0")
    assert found.best_epoch == 6 and len(found.history) == 6
    same(found.network.state_dict(), notes.states[-1].last.network)


def test_an_epoch_holds_every_recording_once(dataset):
    recipe = configure(load_zoo()["place1"], "", "batch_size=7")
    feed = Feed(dataset, "train", recipe, 0, 1)
    for number in (1, 2):
        batches = [batch.indices for batch in feed.epoch(number)]
        assert len(batches) == feed.epoch_steps and max(map(len, batches)) <= 7
        assert sorted(np.concatenate(batches)) == list(range(len(feed.recordings)))
    assert feed.files_of(2, 0) == [feed.recordings[i].file for i in batches[0]]


@pytest.mark.parametrize("background", [True, False])
def test_the_loss_is_that_of_shares_and_weights(background, dataset):
    settings = "learning_rate=1e-30 weight_decay=0.0 epochs=1 epoch_steps=1 unit_dropout=0.0 "
    settings += f"background={str(background).lower()} background_weight=0.25 repeats=1.0"
    model, found, notes = trained("place1", dataset, settings)
    batch = next(Feed(dataset, "train", model.recipe, 0, 1).epoch(1))
    recordings = dataset.split("train")
    targets = np.zeros((len(batch.indices), len(dataset.classes)))
    for row, index in zip(targets, batch.indices):
        if background:
            for species in recordings[index].background:
                row[dataset.label_of[species]] = 0.25
        row[dataset.label_of[recordings[index].species]] = 1
    targets /= targets.sum(1, keepdims=True)
    with torch.no_grad():
        logs = found.network.eval()(batch.inputs["metadata"]).log_softmax(1).numpy()
    weights = repeat_weights(recordings, 1.0)[batch.indices]
    expected = (weights * -(targets * logs).sum(1)).mean()
    assert notes.metrics[0]["train_loss"] == pytest.approx(expected, rel=1e-4)


def test_the_rate_goes_up_and_down_once_as_pytorch_has_it():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 0.3, total_steps=50, final_div_factor=1e4
    )
    for step in range(50):
        assert one_cycle(step, 50, 0.3) == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-6)
        optimiser.step()
        theirs.step()


def test_both_in_one_are_put_together_and_survive_the_disk(dataset, tmp_path):
    parts = {name: trained(name, dataset)[0] for name in ("place1", "place2")}
    both, found, notes = trained("place3", dataset, needs=parts)
    assert found.history == [] and notes.states == []
    table = Feed(dataset, "valid", both.recipe, 0).table
    inputs = {n: torch.from_numpy(m.recipe.encoded(table)) for n, m in parts.items()}
    with torch.no_grad():
        place = parts["place1"].network(inputs["place1"]).log_softmax(1)
        kernel = parts["place2"].network(inputs["place2"])
        encoded = torch.from_numpy(both.recipe.encoded(table))
        answer = both.network(encoded)
        torch.testing.assert_close(answer, place + 0.4 * kernel)
        save_model(tmp_path / "both", both)
        torch.testing.assert_close(load_model(tmp_path / "both").network(encoded), answer)


def test_a_field_left_out_is_not_read(dataset):
    recipe = configure(load_zoo()["place2"], "", 'fields=["date","elevation"]')
    table = np.array([[10.0, 60.0, 1.0, 2.0, 3.0]])
    assert np.isnan(recipe.encoded(table)[0]).tolist() == [False, True, True, True, False]
    place = configure(load_zoo()["place1"], "", 'fields=["date","elevation"]')
    network = build_network(place, 3)
    assert network.layers[0].in_features == place.encoded(table).shape[1] == 2 + 6 + 12
