"""`predict` on a split, with a real store and registry."""

import numpy as np
import pytest
import soundfile

from birdml.dataset.opening import open_dataset
from birdml.dataset.recording import SAMPLE_RATE, Recording, Species
from birdml.dataset.writing import write_dataset
from birdml.ensemble.combination import Member, save_combination
from birdml.ensemble.registration import log_and_register
from birdml.errors import UserError
from birdml.prediction.split import predict_split
from birdml.steps.predict import SplitOptions, predict
from birdml.tracking.arrays import load_predictions, predicted_splits
from birdml.tracking.own_runs import open_run
from birdml.zoo.saved import SavedModel, save_model
from tests.golden import relative_difference
from tests.prediction.small import CLASSES, network, noise, recipe

SPECIES = tuple(Species(f"c{i}", f"Avis {i}") for i in range(CLASSES))
SECONDS = {"a.wav": 4, "b.wav": 7}


def write_set(folder, audio=True):
    recordings = []
    for split in ("valid", "test"):
        for number, (file, seconds) in enumerate(SECONDS.items()):
            name = f"{split}/{file}" if audio else f"{split}/{number}"
            samples = seconds * SAMPLE_RATE if audio else 0
            recordings.append(
                Recording(
                    name,
                    split,
                    f"c{number}",
                    latitude=-3.0 - number,
                    longitude=-60.0,
                    samples=samples,
                )
            )
            if audio:
                path = folder / "audio" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, noise(seconds, seed=number), SAMPLE_RATE, subtype="PCM_16")
    write_dataset(folder, "little", SPECIES, recordings)
    return open_dataset(folder)


def train(client, tmp_path, dataset, name, family):
    """A finished and registered run, as `train` leaves it, with untrained weights."""
    settings = {} if family == "audio" else {"family": family}
    model = SavedModel(
        recipe(**settings), network(**settings), SPECIES, dataset.name, dataset.digest, name
    )
    saved, folder = tmp_path / "saved" / name, tmp_path / "single" / name
    save_model(saved, model)
    tags = {
        "birdml.model": name,
        "birdml.family": family,
        "birdml.dataset": dataset.name,
        "birdml.dataset_digest": dataset.digest,
        "birdml.identity": name,
    }
    run_id = open_run(client, name, tags)
    save_combination(folder, name, [Member(name, 1.0, run_id=run_id)], [saved])
    version = log_and_register(
        client, run_id, folder, f"birdml-{name}", {"birdml.dataset_digest": dataset.digest}
    )
    client.set_tag(run_id, "birdml.model_version", version)
    client.set_terminated(run_id)
    return run_id, model


def test_all_models_predict_what_is_missing_and_nothing_else(client, tmp_path, capsys):
    dataset = write_set(tmp_path / "little")
    audio, model = train(client, tmp_path, dataset, "audio1", "audio")
    meta, _ = train(client, tmp_path, dataset, "meta1", "meta")
    asked = SplitOptions("meta1", str(dataset.folder), split="test")
    predict(asked)
    assert predicted_splits(client, meta) == {"test"}
    assert predicted_splits(client, audio) == set()
    before = client.list_artifacts(meta, "predictions/test")
    stamp = [f.path for f in before]
    capsys.readouterr()
    predict(SplitOptions("all", str(dataset.folder), split="test"))
    printed = capsys.readouterr().out
    assert "meta1: predictions/test was there" in printed
    assert "audio1: predictions/test 2 rows logged" in printed
    assert [f.path for f in client.list_artifacts(meta, "predictions/test")] == stamp
    logged = load_predictions(client, audio, "test")
    expected = predict_split(model, dataset, "test")
    assert logged.files == expected.files == ["test/a.wav", "test/b.wav"]
    assert relative_difference(logged.logits, expected.logits) < 1e-6
    assert client.get_run(audio).info.status == "FINISHED"

    predict(SplitOptions("audio1", str(dataset.folder), split="test", windows="5s"))
    windows = load_predictions(client, audio, "test-5s")
    assert windows.starts.tolist() == [0, 0, 5]
    assert np.array_equal(load_predictions(client, audio, "test").logits, logged.logits)

    predict(SplitOptions("models:/birdml-audio1/1", str(dataset.folder), figures=True))
    figures = {f.path for f in client.list_artifacts(audio, "figures")}
    assert figures == {"figures/valid_best1.png", "figures/valid_worst1.png"}

    with pytest.raises(UserError, match=r"no registered model of 'little' is meta7.*audio1, meta1"):
        predict(SplitOptions("meta7", str(dataset.folder)))
    with pytest.raises(UserError, match="split='train2'"):
        predict(SplitOptions("meta1", str(dataset.folder), split="train2"))
    with pytest.raises(UserError, match="soundscapes_val"):
        predict(SplitOptions("meta1", str(dataset.folder), split="soundscapes_val"))


def test_a_dataset_without_audio_is_for_models_that_need_none(client, tmp_path, capsys):
    dataset = write_set(tmp_path / "table", audio=False)
    train(client, tmp_path, dataset, "audio1", "audio")
    meta, _ = train(client, tmp_path, dataset, "meta1", "meta")
    with pytest.raises(UserError, match=r"1 of 2 models .*audio1"):
        predict(SplitOptions("all", str(dataset.folder)))
    assert "no audio" in capsys.readouterr().out
    assert predicted_splits(client, meta) == {"valid"}
