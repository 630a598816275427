"""What a model's name means: the champion on the dataset at hand, or the version that is named."""

from dataclasses import dataclass

import pytest

from birdml.errors import UserError
from birdml.tracking import registry
from birdml.tracking.champions import champions, meant, version_meant
from birdml.tracking.experiments import experiment_id


@dataclass
class Birds:
    """As much of a dataset as names need."""

    digest: str = "d1"
    name: str = "birds"


def add(client, model, figure, digest="d1", family="meta", status="FINISHED"):
    """A run and its version; `figure` is its MAP and MAP-bg."""
    name = model if family == "ensemble" else f"birdml-{model}"
    tags = {
        "birdml.model": model,
        "birdml.family": family,
        "birdml.dataset_digest": digest,
        "birdml.dataset": f"set {digest}",
    }
    run_id = client.create_run(experiment_id(client), tags=tags).info.run_id
    figures = {"map": figure, "map_bg": figure}
    for key, value in figures.items():
        client.log_metric(run_id, key, value)
    if name not in registry.names(client, ""):
        client.create_registered_model(name)
    own = {key: f"{value:.6f}" for key, value in figures.items()}
    own |= {key: tags[key] for key in ("birdml.dataset", "birdml.dataset_digest")}
    source = client.create_logged_model(experiment_id(client), source_run_id=run_id).model_uri
    version = str(client.create_model_version(name, source, run_id=run_id, tags=own).version)
    registry.promote(client, name, version, figures)
    client.set_tag(run_id, "birdml.model_version", version)
    client.set_terminated(run_id, status)
    return version


def versions(found):
    return {model.name: model.model_version for model in found}


def test_a_toy_that_was_trained_last_is_not_taken(client):
    add(client, "meta3", 0.3)
    add(client, "meta3", 0.1)
    add(client, "audio10", 0.2, family="audio")
    add(client, "audio2", 0.2, family="audio")
    found = champions(client, "d1")
    assert [(m.name, m.model_version) for m in found] == [
        ("audio2", "1"),
        ("audio10", "1"),
        ("meta3", "1"),
    ]
    assert found[2].metrics["map"] == 0.3
    assert versions(champions(client, "d1", ["meta3"])) == {"meta3": "1"}
    assert champions(client, "elsewhere") == []


def test_who_holds_the_alias_is_the_champion_also_if_its_owner_gave_it_by_hand(client):
    add(client, "meta3", 0.3)
    add(client, "meta3", 0.1)
    client.set_registered_model_alias("birdml-meta3", "champion", "2")
    assert versions(champions(client, "d1")) == {"meta3": "2"}


def test_on_another_dataset_than_the_alias_it_is_the_best_there(client):
    add(client, "meta3", 0.2)
    add(client, "meta3", 0.3)
    add(client, "meta3", 0.1)
    add(client, "meta3", 0.05, digest="d2")
    assert registry.holder(client, "birdml-meta3") == "4"
    assert versions(champions(client, "d1")) == {"meta3": "2"}
    assert version_meant(client, "meta3", "d1").version == 2
    assert version_meant(client, "meta3", "d2").version == 4
    assert version_meant(client, "meta3").version == 4
    assert version_meant(client, "meta3", "nowhere").version == 4
    assert version_meant(client, "meta3@3", "d2").version == 3
    assert version_meant(client, "models:/birdml-meta3/1", "d2").version == 1


def test_runs_that_are_gone_or_not_finished_do_not_count(client):
    add(client, "meta3", 0.1)
    best = add(client, "meta3", 0.5)
    add(client, "meta3", 0.4, status="FAILED")
    client.delete_run(client.get_model_version("birdml-meta3", best).run_id)
    assert versions(champions(client, "d1")) == {"meta3": "1"}


def test_names_patterns_families_and_versions(client):
    for model in ("meta1", "meta3", "meta11"):
        add(client, model, 0.3)
    add(client, "meta3", 0.1)
    add(client, "audio1", 0.2, family="audio")
    add(client, "birdml-ensemble", 0.4, family="ensemble")
    birds = Birds()
    assert list(versions(meant(client, birds, "all"))) == ["audio1", "meta1", "meta3", "meta11"]
    assert list(versions(meant(client, birds, "audio, meta1*"))) == ["audio1", "meta1", "meta11"]
    assert versions(meant(client, birds, "meta1,meta3@2")) == {"meta1": "1", "meta3": "2"}
    kinds = ("audio", "meta", "combined", "ensemble")
    assert "birdml-ensemble" in versions(meant(client, birds, "all", kinds))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("meta9", "no registered model of 'birds' is meta9; there are meta3"),
        ("meta4", r"is meta4 \(trained on set d2\); there are meta3"),
        ("meta3@7", "birdml-meta3 has no version 7; it has 1, 2: name one"),
        ("meta4@1", r"meta4@1 was made on another dataset \(set d2\) than 'birds'"),
        ("meta3,meta3@2", "two versions of meta3: 1 and 2; name one"),
        ("birdml-ensemble", "no registered model of 'birds' is birdml-ensemble"),
    ],
)
def test_what_a_name_cannot_mean_is_said(asked, message, client):
    add(client, "meta3", 0.3)
    add(client, "meta3", 0.2)
    add(client, "meta4", 0.3, digest="d2")
    add(client, "birdml-ensemble", 0.4, family="ensemble")
    with pytest.raises(UserError, match=message):
        meant(client, Birds(), asked)


def test_an_ensemble_of_any_name_is_found_by_it(client):
    add(client, "mine", 0.4, family="ensemble")
    assert version_meant(client, "mine", "d1").name == "mine"
    with pytest.raises(UserError, match="no model 'yours'"):
        version_meant(client, "yours", "d1")
