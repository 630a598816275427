"""Parameters of the 2018 system become a registered version."""

import numpy as np
import pytest
import torch

from birdml.errors import UserError
from birdml.jobs.published import import_parameters
from birdml.jobs.request import TrainOptions
from birdml.networks.build import build_network
from birdml.networks.lasagne import export_parameters
from birdml.steps.train import train
from birdml.tracking import registry, runs
from birdml.zoo.load import configure, load_zoo
from birdml.zoo.saved import load_model
from tests.datasets import make_dataset

SMALL = "hidden=[8,8]"


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "made", audio=False)


@pytest.fixture
def file(tmp_path):
    """An .npz as the 2018 system writes it, and the network that it is of."""
    torch.manual_seed(3)
    network = build_network(configure(load_zoo()["meta3"], "", SMALL), 3)
    arrays = {f"param{i}": array for i, array in enumerate(export_parameters(network))}
    np.savez(tmp_path / "meta3.npz", **arrays)
    return str(tmp_path / "meta3.npz"), network


def asked(dataset, settings=SMALL, model="meta3"):
    return TrainOptions(model, str(dataset.folder), set=settings)


def test_they_are_registered_once_with_figures_and_the_same_weights(client, dataset, file):
    path, network = file
    said = import_parameters(path, asked(dataset))
    assert said.startswith("birdml-meta3 version 1: MAP ")
    assert import_parameters(path, asked(dataset)).endswith("holds these very parameters")
    (run,) = runs.search(client, "tags.`birdml.model` = 'meta3'")
    assert run.info.status == "FINISHED" and 0 < run.data.metrics["map"] <= 1
    assert "not trained here" in run.data.tags["mlflow.note.content"]
    folder = registry.load_registered(client, "models:/birdml-meta3@champion")
    for key, value in load_model(folder / "meta3").network.state_dict().items():
        assert torch.equal(value, network.state_dict()[key])
    about = client.get_model_version("birdml-meta3", "1").description
    assert "not trained here: `meta3.npz`, sha256" in about
    settings = f"{SMALL} epoch_steps=5 epochs=1"  # a training is another request
    (outcome,) = train(asked(dataset, settings)).values()
    assert outcome.state == "finished"


def test_they_are_not_registered_again_where_the_first_time_was_killed_late(
    client, dataset, file, monkeypatch
):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as late:
        late.setattr("birdml.tracking.registry.promote", killed)
        with pytest.raises(KeyboardInterrupt):
            import_parameters(file[0], asked(dataset))
    assert import_parameters(file[0], asked(dataset)).startswith("birdml-meta3 version 1: MAP ")
    (version,) = client.search_model_versions("name = 'birdml-meta3'")
    assert client.get_run(version.run_id).info.status == "FINISHED"
    assert client.get_model_version_by_alias("birdml-meta3", "champion").run_id == version.run_id


def test_what_does_not_fit_is_refused_before_a_run_is_made(client, dataset, file, tmp_path):
    with pytest.raises(UserError, match="do not fit the network"):
        import_parameters(file[0], asked(dataset, "hidden=[8,9]"))
    (tmp_path / "broken.npz").write_bytes(b"PK")
    with pytest.raises(UserError, match="no .npz"):
        import_parameters(str(tmp_path / "broken.npz"), asked(dataset))
    with pytest.raises(UserError, match="name one model"):
        import_parameters(file[0], asked(dataset, "", "meta3,meta4"))
    assert not runs.search(client, "tags.`birdml.model` = 'meta3'")
