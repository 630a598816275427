"""The registry as a table."""

from birdml.steps.models import listing
from birdml.tracking import registry


def test_registered_models_are_listed_with_the_figures_of_their_champion(client):
    assert listing() == "the registry is empty: train and ensemble register models"
    for name in ("birdml-meta3", "birdml-of-a-long-name"):
        client.create_registered_model(name)
    tags = {"birdml.dataset": "birds", "birdml.dataset_digest": "d1"}
    client.create_model_version("birdml-meta3", source="file:///nowhere", tags=tags)
    registry.promote(client, "birdml-meta3", "1", {"map": 0.5, "map_bg": 0.6})
    assert listing().splitlines() == [
        "model                  champion    map  map_bg  dataset",
        "birdml-meta3                  1  0.500   0.600  birds",
        "birdml-of-a-long-name         -      -       -  -",
    ]
