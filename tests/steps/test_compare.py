"""`compare`: from runs in a store to a page and a table."""

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow.exceptions import MlflowException

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import Recording, Species
from birdml.errors import UserError
from birdml.steps.compare import recipe_of, run, unit_of
from birdml.tracking.arrays import log_predictions
from birdml.tracking.champions import champions
from birdml.tracking.experiments import experiment_id
from birdml.tracking.runs import TrackedModel
from birdml.zoo.load import load_zoo
from tests.datasets import make_dataset


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "birds", audio=False)


def add_run(client, dataset, name: str, skill: float, predictions: bool = True, shuffle=False):
    """A finished run of a model of the zoo whose answers are as good as `skill`."""
    recipe = load_zoo()[name]
    tags = {
        "birdml.model": name,
        "birdml.family": recipe.family,
        "birdml.dataset_digest": dataset.digest,
        "birdml.device": "cpu",
    }
    run_id = client.create_run(experiment_id(client), run_name=name, tags=tags).info.run_id
    for key, value in recipe.settings_in_use().items():
        client.log_param(run_id, f"cfg.{key}", str(value))
    client.log_metric(run_id, "cost/minutes", 2.5)
    recordings = dataset.split("valid")
    rng = np.random.default_rng(len(name))
    right = np.eye(3)[dataset.foreground(recordings)]
    logits = rng.normal(size=(len(recordings), 3)) + skill * right
    order = rng.permutation(len(recordings)) if shuffle else np.arange(len(recordings))
    if predictions:
        files = [recordings[i].file for i in order]
        log_predictions(client, run_id, "valid", files, logits[order])
    with contextlib.suppress(MlflowException):  # another run of the model has it already
        client.create_registered_model(f"birdml-{name}")
    source = client.create_logged_model(experiment_id(client), source_run_id=run_id).model_uri
    version = client.create_model_version(f"birdml-{name}", source, run_id=run_id).version
    client.set_tag(run_id, "birdml.model_version", str(version))
    client.set_terminated(run_id)
    return run_id


def test_a_page_and_a_table_of_all_models(client, dataset, tmp_path, capsys):
    add_run(client, dataset, "meta3", 9.0)
    add_run(client, dataset, "meta8", 1.0, shuffle=True)
    add_run(client, dataset, "meta4", 1.0, predictions=False)
    path = run(str(dataset.folder), "all", str(tmp_path / "new folder" / "c.html"))
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert "left out: meta4" in text and "a teacher" in text and str(path) in text
    assert "meta3  1.000  " in text  # all first species are right
    html = path.read_text()
    assert "meta3" in html and "meta8" in html and "2.5" in html


def test_rows_in_another_order_are_put_in_order(client, dataset, tmp_path, capsys):
    add_run(client, dataset, "meta3", 9.0)
    add_run(client, dataset, "meta2", 9.0, shuffle=True)
    run(str(dataset.folder), "meta3,meta2", str(tmp_path / "c.html"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[1:3]] == ["1.000", "1.000"]


def test_what_was_not_trained_is_a_users_error_that_names_what_is_there(client, dataset, tmp_path):
    add_run(client, dataset, "meta3", 9.0)
    with pytest.raises(UserError, match=r"meta5.*there are meta3"):
        run(str(dataset.folder), "meta3,meta5", str(tmp_path / "c.html"))
    assert not (tmp_path / "c.html").exists()


def test_an_empty_store_and_a_folder_as_page_are_users_errors(client, dataset, tmp_path):
    with pytest.raises(UserError, match="train"):
        run(str(dataset.folder), "all", str(tmp_path / "c.html"))
    with pytest.raises(UserError, match="folder"):
        run(str(dataset.folder), "all", str(tmp_path))


@pytest.mark.parametrize("name", ["audio12", "meta6", "combined1"])
def test_a_recipe_comes_back_from_the_params_of_its_run(client, dataset, name):
    add_run(client, dataset, name, 1.0)
    (model,) = champions(client, dataset.digest)
    assert recipe_of(model) == load_zoo()[name]


def test_a_run_that_lacks_a_setting_has_its_default():
    model = TrackedModel("meta3", "0", "meta", "", params={"cfg.blur": "none", "cfg.seed": "3"})
    recipe = recipe_of(model)
    assert recipe.blur == "none" and recipe.hidden == (256, 512)


def test_what_is_drawn_together_is_named_by_the_dataset():
    def made(**where):
        return [
            Recording(f"{i}", "valid", "x", recordist=who, **place)
            for i, (who, place) in enumerate(zip(("Ana", "Bo", "", "Ana"), where["places"]))
        ]

    here, there = {"latitude": 1.001, "longitude": 2.0}, {"latitude": 1.2, "longitude": 2.0}
    recordings = made(places=(here, there, {}, {"latitude": 1.002, "longitude": 2.0}))
    dataset = Dataset(Path(), "d", "0", (Species("x"),), tuple(recordings))
    assert unit_of(dataset, "recording") is None
    for over in ("recordist", "site"):
        groups = unit_of(dataset, over)
        assert groups[0] == groups[3] and len(set(groups)) == 3, over
    with pytest.raises(UserError, match="fewer than two recordists"):
        unit_of(replace(dataset, recordings=tuple(recordings[:1])), "recordist")
    with pytest.raises(UserError, match="it can be recording, recordist, site"):
        unit_of(dataset, "country")


def test_a_combined_model_is_held_against_the_audio_model_that_it_started_from(
    client, dataset, tmp_path
):
    add_run(client, dataset, "audio10", 1.0)
    add_run(client, dataset, "combined1", 9.0)
    page = run(str(dataset.folder), "all", str(tmp_path / "c.html")).read_text()
    assert "What date, time and place added" in page and "audio10 → combined1" in page


def ensemble_of(client, dataset, weights):
    """Runs of models, and of their weighted sum as `ensemble` registers it."""
    from birdml.tracking.arrays import load_predictions

    runs = {name: add_run(client, dataset, name, 3.0) for name in weights}
    parts = [load_predictions(client, run_id, "valid") for run_id in runs.values()]
    logits = sum(w * p.logits for w, p in zip(weights.values(), parts))
    total = np.asarray(logits, np.float32)
    files = parts[0].files
    name = "birdml-ensemble"
    tags = {"birdml.model": name, "birdml.family": "ensemble"}
    tags |= {"birdml.dataset_digest": dataset.digest}
    run_id = client.create_run(experiment_id(client), run_name=name, tags=tags).info.run_id
    log_predictions(client, run_id, "valid", files, total)
    client.create_registered_model(name)
    source = client.create_logged_model(experiment_id(client), source_run_id=run_id).model_uri
    lineage = ", ".join(f"{member} version 1 x {weight}" for member, weight in weights.items())
    version = client.create_model_version(
        name, source, run_id=run_id, tags={"birdml.members": lineage}
    ).version
    client.set_tag(run_id, "birdml.model_version", str(version))
    client.set_terminated(run_id)


def test_an_ensemble_is_held_against_its_members_that_only_listen(client, dataset, tmp_path):
    ensemble_of(client, dataset, {"audio1": 1.0, "audio2": 0.5, "meta3": 0.5})
    page = run(str(dataset.folder), "all", str(tmp_path / "c.html")).read_text()
    assert "2 of its members → birdml-ensemble" in page


def test_of_an_ensemble_whose_member_was_trained_again_nothing_is_said(client, dataset, tmp_path):
    ensemble_of(client, dataset, {"audio1": 1.0, "meta3": 5.0})
    add_run(client, dataset, "meta3", -30.0)
    client.set_registered_model_alias("birdml-meta3", "champion", "2")
    page = run(str(dataset.folder), "all", str(tmp_path / "c.html")).read_text()
    assert "What date, time and place added" not in page
