"""Files of users and of ours, broken at random: read, refused in one line, or told as problems."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given

from birdml.dataset.containers import parts_of
from birdml.dataset.decoders.notes import UnreadableAudio
from birdml.dataset.decoding import read_any_audio
from birdml.dataset.opening import open_dataset
from birdml.dataset.sources import table
from birdml.dataset.sources.rows import NoTable, read_table
from birdml.dataset.wav_files import wav_hash, wav_samples
from birdml.ensemble.combination import Member, read_lineage, save_combination
from birdml.errors import UserError
from birdml.networks.build import build_network
from birdml.submission.checker import read_submission
from birdml.submission.truth import read_truth
from birdml.training.checkpoint import load_checkpoint
from birdml.zoo.load import load_zoo
from birdml.zoo.recipe import MetaRecipe
from birdml.zoo.saved import SavedModel, load_model, read_about, save_model
from tests.datasets import make_dataset
from tests.fuzz.inputs import broken

TABLE = """id,gen,sp,also,date,time,lat,lng,alt,file-name
1001,Turdus,merula,"Parus major; Pica pica",2018-05-14,06:30,-4.5,-60.1,1200,XC1001.mp3
1002,Turdus,merula,,2018-05-15,?,-4.6,-60.2,"1,300 m",XC1002.mp3
1003,Parus,major,,2018,18:00,,,,XC1003.mp3
1004,Pica,pica,Turdus merula,14.05.2018,6 am,4°30'S,60W,300 ft,XC1004.mp3
""".encode()
ZOO = b"""[audio]
deep = { base = "audio10", width = 2048, mixup = 0.2 }
[meta]
place = { fields = ["latitude", "longitude"], blur = "more", teacher = "meta3" }
"""
MONO = "".join(f"{m};sp{r};{0.9 / r:.3f};{r}\n" for m in (1, 2, 3) for r in (1, 2, 3)).encode()
SCAPE = b"9;00:00:00-00:00:05;sp1;0.9\n9;00:00:05-00:00:10;sp2;0.8\n"
MONO_TRUTH = b"1;sp1;sp2,sp3\n2;sp2;\n3;sp3;sp1\n"
SCAPE_TRUTH = b"9;00:00:00-00:00:05;sp1\n9;00:00:05-00:00:10;sp2\n"


def one_line(error: Exception) -> None:
    assert str(error) and "\n" not in str(error) and len(str(error)) < 20_000


@given(broken(TABLE))
def test_tables_of_recordings(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("table")
    (folder / "birds.csv").write_bytes(content)
    try:
        assert read_table(folder / "birds.csv", []).header
    except (NoTable, UserError) as error:
        one_line(error)
    try:
        table.recognise(folder)
        source = table.read(folder)
    except UserError as error:
        one_line(error)
    else:
        for recording in source.recordings:
            assert recording.media_id.isprintable()


FORMS = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "mp3": "MP3", "aiff": "AIFF", "w64": "W64",
         "caf": "CAF", "au": "AU"}  # fmt: skip


@pytest.fixture(scope="module")
def sounds():
    samples = (8000 * np.sin(np.arange(4000) / 5)).astype(np.int16)
    found = {}
    for suffix, kind in FORMS.items():
        file = io.BytesIO()
        soundfile.write(file, samples, 22050, format=kind)
        found[suffix] = file.getvalue()
    return found


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_headers_of_audio_files(suffix, sounds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")

    @given(broken(sounds[suffix]))
    def check(content):
        path = folder / f"one.{suffix}"
        path.write_bytes(content)
        parts = parts_of(path)
        assert parts is not None
        if suffix == "wav":
            assert wav_samples(path) is None or wav_samples(path) >= 0
            wav_hash(path)

    check()


@pytest.mark.parametrize("suffix", FORMS)
def test_sound_without_ffmpeg(suffix, sounds, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / f"one.{suffix}"

    @given(broken(sounds[suffix]))
    def check(content):
        path.write_bytes(content)
        try:
            assert read_any_audio(path).dtype == np.int16
        except UnreadableAudio as error:
            one_line(error)

    check()


@pytest.mark.parametrize("name", ["recordings.csv", "species.csv", "dataset.toml"])
def test_prepared_datasets(name, tmp_path):
    dataset = make_dataset(tmp_path / "tiny", audio=False)
    path = dataset.folder / name

    @given(broken(path.read_bytes()))
    def check(content):
        path.write_bytes(content)
        try:
            found = open_dataset(dataset.folder)
        except UserError as error:
            one_line(error)
        else:
            for recording in found.recordings:
                assert not recording.file.startswith("/") and ".." not in recording.file.split("/")

    check()


@given(broken(ZOO))
def test_zoo_files(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("zoo") / "zoo.toml"
    path.write_bytes(content)
    try:
        load_zoo(path)
    except UserError as error:
        one_line(error)


@pytest.mark.parametrize(("task", "whole"), [("mono", MONO), ("soundscape", SCAPE)])
def test_submissions(task, whole, tmp_path):
    @given(broken(whole))
    def check(content):
        (tmp_path / "run.csv").write_bytes(content)
        try:
            read_submission(tmp_path / "run.csv", task)
        except UserError as error:
            one_line(error)

    check()


@pytest.mark.parametrize("whole", [MONO_TRUTH, SCAPE_TRUTH])
def test_truths(whole, tmp_path):
    @given(broken(whole))
    def check(content):
        (tmp_path / "truth.csv").write_bytes(content)
        try:
            read_truth(tmp_path / "truth.csv", {"sp1", "sp2", "sp3"})
        except UserError as error:
            one_line(error)

    check()


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors", "ensemble.json"])
def test_saved_models(name, tmp_path):
    recipe = MetaRecipe("meta3", hidden=(4, 4))
    dataset = make_dataset(tmp_path / "tiny", audio=False)
    network = build_network(recipe, 3)
    model = SavedModel(recipe, network, dataset.species, "tiny", dataset.digest, "i")
    save_model(tmp_path / "saved", model)
    folder = tmp_path / "both"
    save_combination(folder, "both", [Member("meta3", 1.0)], [tmp_path / "saved"])
    path = folder / name if name == "ensemble.json" else folder / "meta3" / name

    @given(broken(path.read_bytes()))
    def check(content):
        path.write_bytes(content)
        try:
            read_lineage(folder)
            read_about(folder / "meta3")
            load_model(folder / "meta3")
        except UserError as error:
            one_line(error)

    check()


def test_checkpoints(tmp_path):
    from birdml.training.checkpoint import save_checkpoint
    from tests.training.test_checkpoint import state  # what it saves and reads

    path = tmp_path / "state.safetensors"
    save_checkpoint(path, state("worse"))

    @given(broken(path.read_bytes()))
    def check(content):
        path.write_bytes(content)
        try:
            load_checkpoint(path)
        except UserError as error:
            one_line(error)

    check()
