"""`embed` and `similar`: tables of vectors, and of what sounds like a clip."""

import csv

import numpy as np
import pytest

from birdml.dataset.recording import SAMPLE_RATE
from birdml.errors import UserError
from birdml.steps.embed import EmbedOptions, embed
from birdml.steps.similar import HEADER, SimilarOptions, similar
from tests.datasets import make_dataset, tone, write
from tests.encoders import made_up


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    made_up.make_encoder(folder / "encoder")
    return folder, make_dataset(folder / "data")


@pytest.fixture
def words(made, tmp_path, monkeypatch):
    """The words of a request that names the dataset and the encoder of the tests."""
    monkeypatch.setenv("BIRDML_CACHE", str(tmp_path / "cache"))
    encoders = str(made[0] / "encoder" / "encoders.toml")
    return {"dataset": str(made[0] / "data"), "encoder": "tiny", "encoders": encoders}


@pytest.fixture
def files(tmp_path):
    for name, species in (("a/low.wav", 0), ("high.wav", 2)):
        write(tmp_path / "files" / name, tone(species, SAMPLE_RATE, np.random.default_rng(1)))
    (tmp_path / "files" / "broken.wav").write_bytes(b"RIFF")
    return tmp_path / "files"


def test_a_dataset_keeps_its_embeddings(words, made, capsys):
    found = embed(EmbedOptions(**words))
    assert found.folder == made[0] / "data" / "embeddings" / "tiny"
    said = capsys.readouterr().out
    assert f"{len(found.vectors)} windows of Tiny (CC0-1.0): {found.folder}" in said


def test_files_become_a_parquet_table(words, files, tmp_path, capsys):
    import pyarrow.parquet

    out = tmp_path / "out" / "vectors.parquet"
    found = embed(EmbedOptions(**words, recordings=str(files), out=str(out)))
    assert "left out: broken.wav (" in capsys.readouterr().out
    table = pyarrow.parquet.read_table(out)
    assert table.column("file").to_pylist() == ["high.wav"] * 2 + ["a/low.wav"] * 2
    assert table.column("start").to_pylist() == [0, 0.5, 0, 0.5]
    np.testing.assert_array_equal(
        np.array(table.column("embedding").to_pylist()), found.vectors.astype(np.float32)
    )
    assert table.schema.metadata[b"weights_licence"] == b"CC0-1.0"


def test_files_become_an_array_with_a_table_of_its_rows(words, files, tmp_path):
    out = tmp_path / "vectors.npy"
    found = embed(EmbedOptions(**words, recordings=str(files), out=str(out), jobs=2))
    np.testing.assert_array_equal(np.load(out), found.vectors)
    rows = list(csv.reader((tmp_path / "vectors.csv").open()))
    assert rows[:2] == [["file", "start", "end"], ["high.wav", "0.000", "0.500"]] and len(rows) == 5


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recordings": "."}, "say where to write: -P out=FILE.parquet"),
        ({"out": "table.csv"}, "must end in .parquet or .npy"),
        ({"encoder": "tinny"}, "did you mean 'tiny'?"),
        ({"dataset": "nowhere"}, "no prepared dataset at 'nowhere'"),
        ({"recordings": "nowhere", "out": "a.npy"}, "no file or folder 'nowhere'"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused(words, changes, said):
    with pytest.raises(UserError) as raised:
        embed(EmbedOptions(**{**words, **changes}))
    assert said in str(raised.value)


def test_files_of_which_none_can_be_read_are_refused(words, files, tmp_path):
    words |= {"recordings": str(files / "broken.wav"), "out": str(tmp_path / "a.npy")}
    with pytest.raises(UserError, match="none of the 1 files could be read"):
        embed(EmbedOptions(**words))
    assert not (tmp_path / "a.npy").exists()


def test_what_sounds_like_a_clip_comes_first(words, made, files, tmp_path, capsys):
    out = tmp_path / "found.csv"
    options = SimilarOptions(to=str(files / "a" / "low.wav"), top=12, out=str(out), **words)
    rows = similar(options)
    table = list(csv.DictReader(out.open()))
    assert tuple(table[0]) == HEADER and len(table) == len(rows) == 12
    best = [float(row["similarity"]) for row in table]
    assert best == sorted(best, reverse=True) and best[0] > 0.9
    assert {row["latin_name"] for row in table if row["species"]} == {"Avis prima"}
    assert "Avis prima" in capsys.readouterr().out


def test_a_clip_is_found_where_it_lies(words, files, tmp_path):
    words |= {"recordings": str(files), "out": str(tmp_path / "found.csv")}
    clip = files.parent / "clip.wav"
    write(clip, tone(0, round(1.2 * SAMPLE_RATE), np.random.default_rng(1)))
    rows = similar(SimilarOptions(to=str(clip), **words))
    assert rows[0][1] == "a/low.wav" and float(rows[0][4]) > 0.999
    assert {row[5] for row in rows} <= {"0.00", "0.50", "0.70"}, (
        "the last window ends with the clip"
    )


def test_a_clip_that_is_not_there_is_refused(words):
    with pytest.raises(UserError, match="to='nowhere.wav': there is no such file"):
        similar(SimilarOptions(to="nowhere.wav", **words))
