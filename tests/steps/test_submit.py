"""`submit` on a real registry: single models and an ensemble of audio and metadata."""

import numpy as np
import pytest
import soundfile

from birdml.dataset.recording import SAMPLE_RATE, Recording, Species
from birdml.dataset.writing import write_dataset
from birdml.ensemble.combination import Member, save_combination
from birdml.ensemble.registration import log_and_register
from birdml.errors import UserError
from birdml.prediction.split import predict_split
from birdml.steps import combined
from birdml.steps.submit import SubmitOptions, submit
from birdml.tracking.arrays import load_predictions, predicted_splits
from birdml.tracking.own_runs import open_run
from birdml.zoo.saved import SavedModel, save_model
from tests.prediction.small import CLASSES, network, noise, recipe

SPECIES = tuple(
    Species(f"c{i}", f"Avis {i}", ("2014",) if i < 4 else ("2015",)) for i in range(CLASSES)
)
SECONDS = {"test/a.wav": 4, "test/b.wav": 6, "scape/c.wav": 12}


def write_set(folder, species=SPECIES):
    recordings = [
        Recording(
            file,
            "test" if file.startswith("test") else "soundscapes_val",
            media_id=str(number),
            edition="2014" if number == 1 else "",
            date="2014-05-06",
            time=f"0{number}:00",
            latitude=-3.0,
            longitude=-60.0,
            elevation=100.0 * number,
            samples=seconds * SAMPLE_RATE,
        )
        for number, (file, seconds) in enumerate(SECONDS.items(), start=1)
    ]
    for r in recordings:
        path = folder / "audio" / r.file
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = noise(SECONDS[r.file], seed=int(r.media_id))
        soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
    return write_dataset(folder, "little", species, recordings)


@pytest.fixture
def registered(client, tmp_path):
    """A dataset, two models and their ensemble in the registry; weights 0.25 and 2."""
    dataset = write_set(tmp_path / "little")
    members, models = [], {}
    for name, weight, settings in (
        ("audio1", 0.25, {}),
        ("meta1", 2.0, {"family": "meta"}),
    ):
        model = SavedModel(
            recipe(**settings), network(**settings), SPECIES, dataset.name, dataset.digest, name
        )
        save_model(tmp_path / "saved" / name, model)
        run_id = open_run(client, name, {})
        members.append(Member(name, weight, "1", run_id))
        models[name] = model
        single = tmp_path / "single" / name
        one = Member(name, 1.0, run_id=run_id)
        save_combination(single, name, [one], [tmp_path / "saved" / name])
        client.set_terminated(run_id)
        log_and_register(client, run_id, single, f"birdml-{name}", {})
    folder = tmp_path / "ensemble"
    save_combination(folder, "ensemble", members, [tmp_path / "saved" / m.name for m in members])
    run_id = open_run(client, "ensemble", {})
    log_and_register(client, run_id, folder, "birdml-ensemble", {})
    client.set_terminated(run_id)
    client.set_registered_model_alias("birdml-ensemble", "champion", "1")
    return dataset, models, members


def test_submit_writes_logs_and_needs_no_second_prediction(
    client, tmp_path, registered, monkeypatch, capsys
):
    dataset, models, members = registered
    options = SubmitOptions("models:/birdml-ensemble@champion", str(dataset.folder), device="cpu")
    written = submit(options)
    assert [(w.path.name, w.items) for w in written] == [("mono.csv", 2), ("soundscape_val.csv", 3)]
    assert "birdml-ensemble version 1: audio1 x 0.25, meta1 x 2" in capsys.readouterr().out

    # the windows of a soundscape: audio of the window, metadata of the recording
    audio = predict_split(models["audio1"], dataset, "soundscapes_val").logits
    meta = predict_split(models["meta1"], dataset, "soundscapes_val").logits
    np.testing.assert_array_equal(meta, np.repeat(meta[:1], 3, axis=0))
    expected = np.argmax(0.25 * audio + 2 * meta, axis=1)
    lines = [line.split(";") for line in written[1].path.read_text().splitlines()]
    assert [line[1] for line in lines[::CLASSES]] == [
        "00:00:00-00:00:05",
        "00:00:05-00:00:10",
        "00:00:10-00:00:15",
    ]
    assert [line[2] for line in lines[::CLASSES]] == [f"c{label}" for label in expected]

    # logged with lineage; the members' predictions lie in their own runs
    (run,) = [
        r
        for r in client.search_runs(["1"], "tags.`birdml.step` = 'submit'")
        if r.info.run_name == "submission"
    ]
    assert run.info.status == "FINISHED"
    assert run.data.tags["birdml.model_version"] == "birdml-ensemble/1"
    names = {f.path for f in client.list_artifacts(run.info.run_id, "submission")}
    assert names == {"submission/mono.csv", "submission/soundscape_val.csv"}
    for member in members:
        assert predicted_splits(client, member.run_id) == {"test", "soundscapes_val"}
    logged = load_predictions(client, members[0].run_id, "soundscapes_val")
    np.testing.assert_array_equal(logged.logits, audio)

    def never(*arguments, **options):
        raise AssertionError("predicted again")

    monkeypatch.setattr(combined, "predict_split", never)
    before = [w.path.read_bytes() for w in written]
    again = submit(options)
    assert [w.path.read_bytes() for w in again] == before

    # the filter keeps a recording of 2014 to the species of 2014
    filtered = submit(SubmitOptions("birdml-ensemble", str(dataset.folder), "mono", True))
    first = [line.split(";")[1] for line in filtered[0].path.read_text().splitlines()][:CLASSES]
    assert first[4:] == ["c4", "c5", "c6"]
    assert filtered[0].unfiltered == 1


def test_what_cannot_be_submitted_is_said_and_leaves_nothing(client, tmp_path, registered):
    dataset, _, _ = registered
    strange = write_set(tmp_path / "strange", (*SPECIES[:-1], Species("z")))
    for model, folder, message in (
        ("models:/birdml-meta1/1", strange.folder, "another label set"),
        ("meta7", dataset.folder, "no model 'meta7'"),
        ("models:/birdml-meta1/1", tmp_path / "none", "does not exist"),
    ):
        with pytest.raises(UserError, match=message):
            submit(SubmitOptions(model, str(folder), out=str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()
    assert not client.search_runs(["1"], "tags.`birdml.step` = 'submit'")
