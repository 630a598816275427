"""A family that somebody adds: its recipe, its network, and one line that builds it."""

import numpy as np
import torch
from torch import nn

from birdml.jobs.request import TrainOptions
from birdml.networks.build import BUILDERS
from birdml.steps import compare
from birdml.steps.ensemble import EnsembleOptions, ensemble
from birdml.steps.submit import SubmitOptions, submit
from birdml.steps.train import train
from birdml.tracking import registry, runs
from birdml.tracking.arrays import load_predictions
from birdml.zoo.parts import Labels, Patient, Phases
from birdml.zoo.recipe import FAMILIES, Recipe
from birdml.zoo.settings import Count, part
from tests.datasets import make_dataset


@part
class GuessRecipe(Patient, Labels, Phases, Recipe):
    """A single layer that is told date, time and place."""

    family = "guess"
    title = "guesses"
    loudness: Count = 2


class GuessNetwork(nn.Module):
    takes = ("metadata",)

    def __init__(self, inputs: int, classes: int, loudness: int):
        super().__init__()
        self.classes, self.loudness = classes, loudness
        self.layer = nn.Linear(inputs, classes)

    def forward(self, metadata: torch.Tensor) -> torch.Tensor:
        return self.loudness * self.layer(metadata)


def test_a_new_family_goes_the_whole_way(monkeypatch, client, tmp_path):
    monkeypatch.setitem(FAMILIES, "guess", GuessRecipe)
    monkeypatch.setitem(
        BUILDERS,
        "guess",
        lambda recipe, classes: GuessNetwork(recipe.encoded_size, classes, recipe.loudness),
    )
    zoo = tmp_path / "zoo.toml"
    zoo.write_text("[guess]\nguess1 = {}\nguess2 = { base = 'guess1', loudness = 3 }\n")
    dataset = make_dataset(tmp_path / "data")
    quick = "epochs=3 epoch_steps=20 batch_size=8"
    done = train(TrainOptions("guess", str(dataset.folder), zoo=str(zoo), set=quick))
    assert {name: one.state for name, one in done.items()} == dict.fromkeys(done, "finished")
    train(TrainOptions("meta1", str(dataset.folder), set=f"hidden=[8] {quick}"))
    (run,) = runs.search(client, "tags.`birdml.model` = 'guess2'")
    assert run.data.params["cfg.loudness"] == "3"
    ensemble(EnsembleOptions(str(dataset.folder), evaluations=20))
    page = compare.run(str(dataset.folder), "all", str(tmp_path / "page.html")).read_text()
    assert "guess2" in page
    submit(SubmitOptions("birdml-guess1", str(dataset.folder), out=str(tmp_path / "out")))
    logits = load_predictions(client, run.info.run_id, "valid").logits
    assert np.isfinite(logits).all() and logits.std() > 0
    assert str(registry.resolve(client, "birdml-guess2").version) == "1"
