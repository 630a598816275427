"""The champion, and what the list of models shows of it."""

from birdml.tracking import registry


def add_version(client, name, figures, digest="d1"):
    tags = {key: f"{value:.6f}" for key, value in figures.items()}
    tags |= {"birdml.dataset": f"birds {digest}", "birdml.dataset_digest": digest}
    created = client.create_model_version(name, source="file:///nowhere", tags=tags)
    return str(created.version)


def shown(client, name):
    model = client.get_registered_model(name)
    return {**model.tags, "champion": str(model.aliases["champion"])}


def test_the_list_of_models_shows_the_figures_of_the_champion(client):
    name, good, poor = "birdml-meta3", {"map": 0.5, "map_bg": 0.6}, {"map": 0.3, "map_bg": 0.4}
    client.create_registered_model(name)
    assert registry.promote(client, name, add_version(client, name, good), good)
    first = {"map": "0.500", "map_bg": "0.600", "birdml.dataset": "birds d1", "champion": "1"}
    assert shown(client, name) == first
    assert not registry.promote(client, name, add_version(client, name, poor), poor)
    assert shown(client, name) == first
    assert registry.promote(client, name, add_version(client, name, poor, "d2"), poor)
    assert shown(client, name) == {
        "map": "0.300",
        "map_bg": "0.400",
        "birdml.dataset": "birds d2",
        "champion": "3",
    }
