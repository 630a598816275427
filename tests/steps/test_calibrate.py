"""`calibrate`: new versions of registered models, from what their runs hold."""

import numpy as np
import pytest

from birdml.ensemble.combination import Member, load_combination, save_combination
from birdml.ensemble.registration import log_and_register
from birdml.errors import UserError
from birdml.jobs.calibration import UNCALIBRATED
from birdml.networks.build import build_network
from birdml.steps.calibrate import CalibrateOptions, calibrate
from birdml.steps.ensemble import EnsembleOptions, ensemble
from birdml.tracking import champions, registry, runs
from birdml.tracking.arrays import log_predictions
from birdml.tracking.experiments import experiment_id
from birdml.zoo.recipe import MetaRecipe
from birdml.zoo.saved import SavedModel, save_model
from tests.datasets import make_dataset


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "birds", audio=False)


def add_model(client, folder, dataset, name, quality=0.5, spoil=False):
    """A version from before calibrations were: registered, crowned, its run finished."""
    recordings = dataset.split("valid")
    rng = np.random.default_rng(len(name))
    right = np.eye(len(dataset.classes))[dataset.foreground(recordings)]
    logits = (rng.normal(size=right.shape) + 3 * right).astype(np.float32)
    recipe = MetaRecipe(name, hidden=(4, 4))
    network = build_network(recipe, len(dataset.classes))
    model = SavedModel(recipe, network, dataset.species, dataset.name, dataset.digest, name)
    save_model(folder / name, model)
    tags = {
        "birdml.model": name,
        "birdml.family": "meta",
        "birdml.dataset": dataset.name,
        "birdml.dataset_digest": dataset.digest,
        "birdml.identity": name,
    }
    run_id = client.create_run(experiment_id(client), run_name=name, tags=tags).info.run_id
    logits = logits * np.nan if spoil else logits
    log_predictions(client, run_id, "valid", [r.file for r in recordings], logits)
    save_combination(folder / f"c-{name}", name, [Member(name, 1.0, "", run_id)], [folder / name])
    metrics = {"map": quality, "map_bg": quality, "top1": 0.0, "top5": 1.0}
    kept = {key: f"{value:.6f}" for key, value in metrics.items()} | {
        "birdml.dataset": dataset.name,
        "birdml.dataset_digest": dataset.digest,
    }
    about = f"MAP 0.5\n\n{UNCALIBRATED}"
    version = log_and_register(client, run_id, folder / f"c-{name}", f"birdml-{name}", kept, about)
    registry.promote(client, f"birdml-{name}", version, metrics)
    client.set_tag(run_id, "birdml.model_version", version)
    client.set_terminated(run_id)
    return run_id


def loaded(client, uri):
    return load_combination(registry.load_registered(client, uri))


def test_a_model_from_before_becomes_a_calibrated_version(client, dataset, tmp_path, capsys):
    run_id = add_model(client, tmp_path, dataset, "meta1")
    asked = CalibrateOptions("meta1", str(dataset.folder))
    calibrate(asked)
    said = capsys.readouterr().out
    assert said.startswith("meta1: version 2, of version 1: log loss ") and "on 9 record" in said
    version = client.get_model_version_by_alias("birdml-meta1", "champion")
    assert str(version.version) == "2" and version.run_id == run_id
    old = client.get_model_version("birdml-meta1", "1")
    assert version.tags["map"] == old.tags["map"] == "0.500000"
    assert version.description.startswith("MAP 0.5") and "uncalibrated" not in version.description
    assert "calibrated on 9 validation recordings" in version.description
    assert "recordings per split: train 24, valid 9, test 4" in version.description
    before, after = (loaded(client, f"models:/birdml-meta1/{number}") for number in "12")
    assert before.calibration is None and after.calibration.fitted_on.count == 9
    for ours, theirs in zip(
        before.members[0][0].network.parameters(), after.members[0][0].network.parameters()
    ):
        assert bool((ours == theirs).all())
    metrics = client.get_run(run_id).data.metrics
    assert metrics["calibration/brier"] == after.calibration.measures["after"]["brier"]
    assert [f.path for f in client.list_artifacts(run_id, "figures")] == ["figures/reliability.png"]

    assert runs.finished_run(client, "meta1").model_version == "2"
    (champion,) = champions.champions(client, dataset.digest)
    assert (champion.run_id, champion.model_version) == (run_id, "2")

    calibrate(asked)
    assert capsys.readouterr().out == "meta1: version 2 is calibrated: nothing to do\n"
    client.set_registered_model_alias("birdml-meta1", "champion", "1")  # killed just before
    calibrate(asked)
    version = client.get_model_version_by_alias("birdml-meta1", "champion")
    assert str(version.version) == "2"
    assert len(client.search_model_versions("name = 'birdml-meta1'")) == 2


def test_the_newest_version_of_a_run_counts_where_another_dataset_has_the_alias(
    client, dataset, tmp_path
):
    add_model(client, tmp_path, dataset, "meta1")
    other = make_dataset(tmp_path / "other", audio=False, seed=5)
    add_model(client, tmp_path / "o", other, "meta1", 0.1)
    calibrate(CalibrateOptions("meta1", str(dataset.folder)))
    assert registry.holder(client, "birdml-meta1") == "2", "that of the other dataset stays"
    (champion,) = champions.champions(client, dataset.digest)
    assert champion.model_version == "3"


def test_several_are_calibrated_though_one_can_not_be(client, dataset, tmp_path, capsys):
    for name in ("meta1", "meta2"):
        add_model(client, tmp_path, dataset, name, spoil=name == "meta1")
    with pytest.raises(UserError, match=r"1 of 2 models could not be calibrated \(meta1\)"):
        calibrate(CalibrateOptions("all", str(dataset.folder)))
    out = capsys.readouterr().out
    assert "meta1: logits that are no numbers" in out and "meta2: version 2, of version 1" in out
    with pytest.raises(UserError, match=r"^meta1 can't be calibrated: logits that are no numbers"):
        calibrate(CalibrateOptions("meta1", str(dataset.folder)))
    assert len(client.search_model_versions("name = 'birdml-meta1'")) == 1


def test_an_ensemble_is_meant_by_its_name(client, dataset, tmp_path, capsys, monkeypatch):
    add_model(client, tmp_path, dataset, "meta1")
    with monkeypatch.context() as before_calibrations:
        made = "birdml.jobs.calibration.of_validation_or_none"
        before_calibrations.setattr(made, lambda *args: None)
        ensemble(EnsembleOptions(str(dataset.folder), strategy="ascent"))
    version = client.get_model_version_by_alias("birdml-ensemble", "champion")
    assert "uncalibrated" in version.description
    capsys.readouterr()
    calibrate(CalibrateOptions("birdml-ensemble", str(dataset.folder)))
    assert "version 2, of version 1" in capsys.readouterr().out
    assert loaded(client, "models:/birdml-ensemble@champion").calibration is not None


def test_what_is_not_there_is_said(client, dataset, tmp_path):
    with pytest.raises(UserError, match="no registered models of the dataset"):
        calibrate(CalibrateOptions("meta1", str(dataset.folder)))
    add_model(client, tmp_path, dataset, "meta1")
    other = make_dataset(tmp_path / "other", audio=False, seed=5)
    with pytest.raises(UserError, match="made on another dataset"):
        calibrate(CalibrateOptions("models:/birdml-meta1/1", str(other.folder)))
