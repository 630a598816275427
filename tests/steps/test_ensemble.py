"""`ensemble`: from runs in a store to a registered model and its scores."""

import csv
import json
import re
from itertools import pairwise

import numpy as np
import pytest

from birdml.ensemble.combination import Member, load_combination, save_combination
from birdml.ensemble.registration import log_and_register
from birdml.errors import UserError
from birdml.networks.build import build_network
from birdml.scoring import score
from birdml.steps.ensemble import EnsembleOptions, ensemble
from birdml.tracking import registry
from birdml.tracking.arrays import load_predictions, log_predictions
from birdml.tracking.experiments import experiment_id
from birdml.zoo.recipe import MetaRecipe
from birdml.zoo.saved import SavedModel, save_model
from tests.datasets import make_dataset


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "birds", audio=False)


def add_model(client, folder, dataset, name: str, skill: float, digest: str = "") -> np.ndarray:
    """A finished, registered run; its answers are as good as `skill`. Returns the logits."""
    recordings = dataset.split("valid")
    rng = np.random.default_rng([len(name), ord(name[-1])])
    right = np.eye(len(dataset.classes))[dataset.foreground(recordings)]
    logits = (rng.normal(size=right.shape) + skill * right).astype(np.float32)
    recipe = MetaRecipe(name, hidden=(4, 4))
    network = build_network(recipe, len(dataset.classes))
    digest = digest or dataset.digest
    model = SavedModel(recipe, network, dataset.species, dataset.name, digest, "i")
    save_model(folder / name, model)
    tags = {
        "birdml.model": name,
        "birdml.family": "meta",
        "birdml.dataset": "elsewhere" if digest != dataset.digest else dataset.name,
        "birdml.dataset_digest": digest,
    }
    run_id = client.create_run(experiment_id(client), run_name=name, tags=tags).info.run_id
    log_predictions(client, run_id, "valid", [r.file for r in recordings], logits)
    members = [Member(name, 1.0, run_id=run_id)]
    save_combination(folder / f"c-{name}", name, members, [folder / name])
    version = log_and_register(client, run_id, folder / f"c-{name}", f"birdml-{name}", {})
    client.set_tag(run_id, "birdml.model_version", version)
    client.set_terminated(run_id)
    return logits


def test_nothing_registered_is_said(client, dataset):
    with pytest.raises(UserError, match="no registered models of the dataset"):
        ensemble(EnsembleOptions(str(dataset.folder)))


def test_from_runs_to_a_registered_model(client, dataset, tmp_path, capsys):
    logits = {
        name: add_model(client, tmp_path, dataset, name, skill)
        for name, skill in (("meta1", 1.0), ("meta2", 0.8), ("meta3", -2.0))
    }
    add_model(client, tmp_path, dataset, "meta9", 1.0, digest="other")
    options = EnsembleOptions(str(dataset.folder), evaluations=40)
    run_id = ensemble(options)
    run = client.get_run(run_id)
    folder = registry.load_registered(client, "models:/birdml-ensemble@champion")
    loaded = load_combination(folder)
    weights = {member.name: member.weight for member in loaded.lineage}
    assert sum(weights.values()) == pytest.approx(1) and all(w > 0 for w in weights.values())
    assert all(member.version == "1" and member.run_id for member in loaded.lineage)

    logged = load_predictions(client, run_id, "valid")
    combined = sum(weight * logits[name] for name, weight in weights.items())
    assert logged.logits == pytest.approx(combined, rel=1e-5, abs=1e-6)
    recordings = dataset.split("valid")
    expected = score(logged.logits, dataset.foreground(recordings), dataset.present(recordings))
    for key, value in expected.items():
        assert run.data.metrics[key] == pytest.approx(value)
    assert run.data.tags["birdml.family"] == "ensemble" and run.info.status == "FINISHED"
    (used,) = run.inputs.dataset_inputs
    assert used.dataset.name == dataset.name and used.tags[0].value == "validation"
    version = registry.resolve(client, "models:/birdml-ensemble@champion")
    assert f"MAP {run.data.metrics['map']:.3f}" in version.description
    assert "95 % intervals**, over 9 recordings: MAP " in version.description
    assert re.search(r"do not flatter. 95 % intervals: MAP \d", version.description)
    assert "recordings per split: train 24, valid 9, test 4" in version.description
    for name, weight in weights.items():
        assert re.search(rf"{name} \d+% \(x {weight:.3g}\)", version.description)
    (recorded,) = {loaded.calibration.fitted_on.count, len(recordings)}
    after = loaded.calibration.measures["after"]
    assert run.data.metrics["calibration/brier"] == after["brier"]
    assert f"calibrated on {recorded} validation recordings" in version.description
    best = client.get_metric_history(run_id, "search/best")
    assert len(best) > 40 and all(a.value <= b.value for a, b in pairwise(best))
    files = {
        f.path
        for folder in ("", "figures", "search")
        for f in client.list_artifacts(run_id, folder)
    }
    assert {"ensemble.html", "figures/members.png", "search/trials.csv"} <= files
    with open(client.download_artifacts(run_id, "search/trials.csv")) as f:
        rows = list(csv.DictReader(f))
    assert len(rows) == len(best) and set(rows[0]) >= {"trial", "value", "best", "meta1"}
    said = capsys.readouterr().out
    assert "version 1: champion" in said
    members, figures, _ = said[said.index("member ") :].split("\n\n")
    assert members.splitlines()[0].split("  ")[-1] == "so far" and "%" in members.splitlines()[1]
    assert figures.splitlines()[0].split() == ["MAP", "MAP-bg", "tenths", "won"]
    assert figures.splitlines()[1].startswith("ensemble ") and figures.endswith(" of 50")

    assert ensemble(options) == run_id  # the very same ensemble is not made twice
    worse = ensemble(EnsembleOptions(str(dataset.folder), models="meta3", strategy="ascent"))
    assert client.get_run(worse).data.tags["birdml.model_version"] == "2"
    assert "no better than the champion" in capsys.readouterr().out
    assert registry.resolve(client, "models:/birdml-ensemble@champion").version in (1, "1")
    assert "tenths_won/champion_so_far" in client.get_run(worse).data.metrics

    with pytest.raises(UserError, match=r"meta9 \(trained on elsewhere\)"):
        ensemble(EnsembleOptions(str(dataset.folder), models="meta1,meta9"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"strategy": "magic"}, "strategy"),
        ({"criterion": "x"}, "criterion"),
        ({"evaluations": 0}, "evaluations"),
        ({"name": "birdml-meta3"}, "single model"),
        ({"name": "a/b"}, "letters"),
    ],
)
def test_impossible_requests(client, dataset, tmp_path, change, said):
    if "name" in change:
        add_model(client, tmp_path, dataset, "meta1", 1.0)
    with pytest.raises(UserError, match=said):
        ensemble(EnsembleOptions(str(dataset.folder), **change))


def test_models_whose_logits_do_not_fit_are_all_named(client, dataset, tmp_path):
    for name in ("meta1", "meta2", "meta3"):
        add_model(client, tmp_path, dataset, name, 1.0)
    files = [r.file for r in dataset.split("valid")]
    broken = np.full((len(files), len(dataset.classes)), np.nan, np.float32)
    by_name = {r.info.run_name: r.info.run_id for r in client.search_runs([experiment_id(client)])}
    log_predictions(client, by_name["meta1"], "valid", files, broken)
    log_predictions(client, by_name["meta3"], "valid", files, broken[:, 1:])
    with pytest.raises(
        UserError, match="meta1 has predictions that are no.*meta3 has another label"
    ):
        ensemble(EnsembleOptions(str(dataset.folder)))
    assert "birdml-ensemble" not in {m.name for m in client.search_registered_models()}


@pytest.mark.parametrize("moment", ["link_version", "promote"])
def test_a_search_that_was_killed_when_it_had_its_version_is_not_made_again(
    client, dataset, tmp_path, monkeypatch, capsys, moment
):
    for name in ("meta1", "meta2"):
        add_model(client, tmp_path, dataset, name, 1.0)

    def killed(*args, **named):
        raise KeyboardInterrupt

    options = EnsembleOptions(str(dataset.folder), strategy="ascent")
    with monkeypatch.context() as kill:
        where = {"link_version": "ensemble.registration", "promote": "tracking.registry"}[moment]
        kill.setattr(f"birdml.{where}.{moment}", killed)
        with pytest.raises(KeyboardInterrupt):
            ensemble(options)
    capsys.readouterr()
    run_id = ensemble(options)
    assert "birdml-ensemble version 1 is this very ensemble" in capsys.readouterr().out
    (version,) = client.search_model_versions("name = 'birdml-ensemble'")
    assert version.run_id == run_id
    assert (
        client.get_model_version_by_alias("birdml-ensemble", "champion").version == version.version
    )
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED" and run.data.tags["birdml.model_version"] == "1"
    model = client.get_logged_model(version.source.removeprefix("models:/"))
    assert json.loads(model.tags["mlflow.modelVersions"]) == [
        {"name": "birdml-ensemble", "version": 1}
    ]
    assert ensemble(options) == run_id
