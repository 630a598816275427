import numpy as np
import pytest
import soundfile

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import Recording, Species
from birdml.errors import UserError
from birdml.metadata import encode, metadata_table
from birdml.prediction.recordings import pooled_logits
from birdml.prediction.split import predict_split
from birdml.prediction.windows import window_logits
from birdml.signal.wav import AudioReader
from birdml.zoo.saved import SavedModel
from tests.golden import relative_difference
from tests.prediction.small import CLASSES, network, noise, recipe

SPECIES = tuple(Species(f"bird{i}", f"Avis {i}") for i in range(CLASSES))
LENGTHS = {"a.wav": 5.0, "b.wav": 0.4, "c.wav": 13.2}


def model(**settings) -> SavedModel:
    return SavedModel(recipe(**settings), network(**settings), SPECIES, "made up", "d1", "i1")


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    (tmp_path / "audio").mkdir()
    recordings = []
    for i, (file, seconds) in enumerate(LENGTHS.items()):
        samples = noise(seconds, seed=i)
        soundfile.write(tmp_path / "audio" / file, samples, 22050, subtype="PCM_16")
        for split in ("valid", "soundscapes_val"):
            place = {"latitude": -3.0 - i, "longitude": -60.0, "elevation": 100.0 * i}
            recordings.append(
                Recording(file, split, "bird1", date="2012-05-03", samples=len(samples), **place)
            )
    return Dataset(tmp_path, "made up", "d1", SPECIES, tuple(recordings))


def test_one_row_per_recording_in_order(dataset):
    heard = []
    predicted = predict_split(model(), dataset, "valid", progress=heard.append)
    assert predicted.files == list(LENGTHS) and predicted.starts is None
    for row, (i, seconds) in enumerate(enumerate(LENGTHS.values())):
        expected = pooled_logits(network(), noise(seconds, seed=i))
        assert relative_difference(predicted.logits[row], expected) < 1e-6
    assert sum(heard) == pytest.approx(sum(LENGTHS.values()), abs=5)


def test_soundscapes_have_one_row_per_5_seconds(dataset):
    predicted = predict_split(model(), dataset, "soundscapes_val")
    assert predicted.files == ["a.wav", "b.wav", "c.wav", "c.wav", "c.wav"]
    assert predicted.starts.tolist() == [0, 0, 0, 5, 10]
    expected = window_logits(network(), noise(13.2, seed=2))
    assert relative_difference(predicted.logits[2:], expected) < 1e-6


def test_windows_and_recordings_on_request(dataset):
    assert len(predict_split(model(), dataset, "valid", windows="5s").files) == 5
    assert len(predict_split(model(), dataset, "soundscapes_val", windows="recording").files) == 3
    with pytest.raises(UserError, match="recording or 5s"):
        predict_split(model(), dataset, "valid", windows="frame")


@pytest.mark.parametrize("windows", ["recording", "5s"])
def test_metadata_models_repeat_their_vector_per_window(dataset, windows):
    meta = model(family="meta")
    predicted = predict_split(meta, dataset, "valid", windows=windows)
    rows = [0, 1, 2] if windows == "recording" else [0, 1, 2, 2, 2]
    encoded = encode(metadata_table(dataset.split("valid")), meta.recipe.fields, 12, 12)
    expected = [pooled_logits(meta.network, None, metadata=encoded[row]) for row in rows]
    assert relative_difference(predicted.logits, np.stack(expected)) < 1e-5


def test_combined_models_use_both(dataset):
    both = model(family="combined")
    predicted = predict_split(both, dataset, "valid")
    encoded = encode(metadata_table(dataset.split("valid")), both.recipe.fields, 12, 12)
    expected = pooled_logits(both.network, noise(13.2, seed=2), metadata=encoded[2])
    assert relative_difference(predicted.logits[2], expected) < 1e-6


def test_what_cannot_be_predicted_says_why(dataset):
    with pytest.raises(UserError, match="no recordings in its split 'test'"):
        predict_split(model(), dataset, "test")
    others = Dataset(dataset.folder, "other", "d2", SPECIES[::-1], dataset.recordings)
    with pytest.raises(UserError, match="'made up', not the 7 of 'other'"):
        predict_split(model(), others, "valid")
    silent = Dataset(dataset.folder, "table", "d3", SPECIES, (Recording("x", "valid"),))
    with pytest.raises(UserError, match="no audio"):
        predict_split(model(), silent, "valid")
    assert len(predict_split(model(family="meta"), silent, "valid").files) == 1
    with pytest.raises(UserError, match="windows=recording"):
        predict_split(model(family="meta"), silent, "valid", windows="5s")


def test_windows_read_each_sample_once_or_little_more(dataset, monkeypatch):
    read = 0
    original = AudioReader.read_into

    def counted(self, i, start, out):
        nonlocal read
        read += len(out)
        original(self, i, start, out)

    monkeypatch.setattr(AudioReader, "read_into", counted)
    predict_split(model(), dataset, "soundscapes_val")
    held = sum(r.samples for r in dataset.split("soundscapes_val"))
    assert held <= read < 1.1 * held
