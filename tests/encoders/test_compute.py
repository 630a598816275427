"""Embeddings on disk: the same whatever computes them, whole or not there, told where they fail."""

import os
import shutil
import threading

import numpy as np
import pytest

from birdml.dataset.prepared import open_dataset
from birdml.dataset.recording import SAMPLE_RATE
from birdml.encoders import compute, part_files, sounds
from birdml.encoders.compute import embed_dataset, embed_files
from birdml.encoders.entries import find_encoder
from birdml.encoders.pretrained import Encoded, open_encoder
from birdml.encoders.sounds import hear
from birdml.errors import UserError
from tests.datasets import make_dataset, tone, write
from tests.encoders import made_up


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An encoder, and a dataset that nobody changes."""
    folder = tmp_path_factory.mktemp("made")
    encoder = find_encoder("tiny", made_up.make_encoder(folder / "encoder"))
    make_dataset(folder / "data")
    return encoder, folder / "data"


@pytest.fixture
def encoder(made):
    return made[0]


@pytest.fixture
def dataset(made, tmp_path, monkeypatch):
    monkeypatch.setenv("BIRDML_CACHE", str(tmp_path / "cache"))
    shutil.copytree(made[1], tmp_path / "data")
    return open_dataset(tmp_path / "data")


def test_every_recording_has_its_windows(dataset, encoder):
    found = embed_dataset(dataset, encoder)
    assert found.folder == dataset.folder / "embeddings" / "tiny"
    assert isinstance(found.vectors, np.memmap) and found.vectors.dtype == np.float16
    assert list(found.names) == [r.file for r in dataset.recordings]
    pretrained = open_encoder(encoder)
    for recording in dataset.recordings[::7]:
        vectors, _ = hear(pretrained, dataset.audio_path(recording))
        expected = vectors.astype(np.float16)
        np.testing.assert_array_equal(found.of(recording.file), expected)
        assert len(expected) == max(1, -(-recording.samples * 2 // SAMPLE_RATE))
    starts, ends = found.seconds()
    assert starts[0] == 0 and ends[0] == 0.5 and len(starts) == len(found.vectors)


def test_neither_threads_nor_parts_change_a_bit(dataset, encoder, monkeypatch):
    first = embed_dataset(dataset, encoder)
    vectors, digest = np.array(first.vectors), first.about.digest
    shutil.rmtree(dataset.folder / "embeddings")
    monkeypatch.setattr(part_files, "PART_SECONDS", 5.0)
    again = embed_dataset(dataset, encoder, jobs=3)
    np.testing.assert_array_equal(again.vectors, vectors)
    assert again.about.digest == digest
    assert not list((dataset.folder / "embeddings").glob(".*parts")), "nothing is left of the work"


def test_what_is_there_is_not_computed_again(dataset, encoder, monkeypatch):
    first = embed_dataset(dataset, encoder)
    monkeypatch.setattr(compute, "open_encoder", None)
    assert embed_dataset(dataset, encoder).about == first.about


@pytest.mark.parametrize("damage", ["vectors", "index", "about", "other encoder"])
def test_what_is_damaged_or_of_another_encoder_is_computed_anew(dataset, encoder, damage):
    first = embed_dataset(dataset, encoder)
    vectors = np.array(first.vectors)
    if damage == "vectors":
        np.save(first.folder / "embeddings.npy", vectors[1:])
    elif damage == "index":
        index = first.folder / "index.csv"
        index.write_text("\n".join(index.read_text().split("\n")[:-3]))
    elif damage == "about":
        (first.folder / "about.json").write_text("{}")
    else:
        encoder = encoder.model_copy(update={"hop": 0.25})
    again = embed_dataset(dataset, encoder)
    if damage == "other encoder":
        assert len(again.vectors) > len(vectors)
    else:
        np.testing.assert_array_equal(again.vectors, vectors)


def test_a_stopped_computation_goes_on(dataset, encoder, monkeypatch):
    monkeypatch.setattr(part_files, "PART_SECONDS", 5.0)
    heard, real = [], sounds._hear

    def interrupted(encoder, session, path, advance):
        if len(heard) == 20:
            raise KeyboardInterrupt
        heard.append(path)
        return real(encoder, session, path, advance)

    monkeypatch.setattr(sounds, "_hear", interrupted)
    with pytest.raises(KeyboardInterrupt):
        embed_dataset(dataset, encoder)
    place = dataset.folder / "embeddings"
    assert not (place / "tiny").exists() and list((place / ".tiny.parts").iterdir())
    first = set(heard)
    heard.clear()
    monkeypatch.setattr(sounds, "_hear", lambda *a: heard.append(a[2]) or real(*a))
    found = embed_dataset(dataset, encoder)
    assert 0 < len(heard) < len(dataset.recordings), "only what was missing is heard"
    shutil.rmtree(place)
    whole = embed_dataset(dataset, encoder)
    np.testing.assert_array_equal(found.vectors, whole.vectors)
    assert first


def test_a_part_that_was_cut_short_is_done_again(dataset, encoder, monkeypatch):
    monkeypatch.setattr(compute, "write_embeddings", None)
    with pytest.raises(TypeError):
        embed_dataset(dataset, encoder)
    monkeypatch.undo()
    (part,) = (dataset.folder / "embeddings" / ".tiny.parts").iterdir()
    part.write_bytes(part.read_bytes()[:-500])
    assert len(embed_dataset(dataset, encoder).vectors)


def test_where_nothing_can_be_written_the_cache_is_used(dataset, encoder, tmp_path, monkeypatch):
    real = os.access
    monkeypatch.setattr(os, "access", lambda p, m: p != dataset.folder and real(p, m))
    found = embed_dataset(dataset, encoder)
    assert found.folder.parent == tmp_path / "cache"
    assert not (dataset.folder / "embeddings").exists()
    monkeypatch.setattr(compute, "open_encoder", None)
    assert embed_dataset(dataset, encoder).folder == found.folder


def test_faulty_recordings_of_a_dataset_are_all_told(dataset, encoder):
    first, second = dataset.recordings[0], dataset.recordings[5]
    dataset.audio_path(first).unlink()
    dataset.audio_path(second).write_bytes(b"no sound")
    with pytest.raises(UserError) as raised:
        embed_dataset(dataset, encoder)
    assert "2 recordings of the dataset can't be heard" in str(raised.value)
    assert first.file in str(raised.value) and second.file in str(raised.value)
    assert not (dataset.folder / "embeddings" / "tiny").exists()


def test_a_dataset_without_audio_is_refused(tmp_path, encoder):
    with pytest.raises(UserError, match="has no audio: an encoder has nothing to hear"):
        embed_dataset(make_dataset(tmp_path / "silent", audio=False), encoder)


def test_two_at_once_wait_for_each_other(dataset, encoder):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(embed_dataset(dataset, encoder)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({result.about.digest for result in found}) == 1 and len(found) == 3


def test_files_that_cannot_be_read_are_told_and_the_others_heard(tmp_path, encoder, monkeypatch):
    monkeypatch.setenv("BIRDML_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "one.wav", tone(0, SAMPLE_RATE, np.random.default_rng(0)))
    (tmp_path / "two.wav").write_bytes(b"RIFF")
    files = {name: tmp_path / name for name in ("two.wav", "one.wav")}
    found = embed_files(files, encoder)
    assert found.counts.tolist() == [0, 2] and list(found.problems) == ["two.wav"]
    write(tmp_path / "two.wav", tone(1, SAMPLE_RATE, np.random.default_rng(0)))
    assert embed_files(files, encoder).counts.tolist() == [2, 2], "a changed file is heard again"


def test_no_file_at_all_can_be_read(tmp_path, encoder, monkeypatch):
    monkeypatch.setenv("BIRDML_CACHE", str(tmp_path / "cache"))
    (tmp_path / "one.wav").write_bytes(b"RIFF")
    found = embed_files({"one.wav": tmp_path / "one.wav"}, encoder)
    assert found.vectors.shape == (0, 4) and found.problems["one.wav"]
    with pytest.raises(UserError, match="cannot hear"):
        hear(open_encoder(encoder), tmp_path / "one.wav")


def test_values_beyond_half_precision_are_refused(dataset, encoder, monkeypatch):
    large = Encoded(np.full((1, 4), 1e5, np.float32), None)
    monkeypatch.setattr(sounds, "encode", lambda *arguments: large)
    with pytest.raises(UserError, match="too large for half precision"):
        embed_dataset(dataset, encoder)
