"""Names that lead out of a folder are none."""

import pytest

from birdml.dataset.paths import contained
from birdml.errors import UserError
from birdml.prepare import Request, prepare
from tests.dataset.made_up import audio_file


@pytest.mark.parametrize(
    "name",
    [
        *("..", "../a.wav", "a/../../b.wav", "/etc/passwd", "//server/a.wav", "C:/a.wav", "c:a"),
        *("a\\..\\b.wav", "a\0b.wav", "a\nb.wav", "\ud800.wav", "", ".", "x" * 300 + ".wav"),
    ],
)
def test_names_that_lead_out_or_cannot_be(name):
    assert contained(name) is None


@pytest.mark.parametrize(
    ("name", "path"),
    [("a.wav", "a.wav"), ("./2014//a.wav", "2014/a.wav"), ("å/..b.wav", "å/..b.wav")],
)
def test_names_below_a_folder(name, path):
    assert contained(name) == path


def test_a_2018_list_never_reaches_out_of_its_folder(tmp_path):
    victim = audio_file(tmp_path / "victim.wav", 1)
    before = victim.read_bytes()
    source = tmp_path / "source"
    for name in ("filelists", "labels", "audio"):
        (source / name).mkdir(parents=True)
    names = ["a.wav", "../../victim.wav", str(victim)]
    for number, name in enumerate(("a.wav", "b.wav")):
        audio_file(source / "audio" / name, number + 2)
    (source / "filelists" / "train").write_text("\n".join(names) + "\n")
    (source / "filelists" / "valid").write_text("b.wav\n")
    (source / "labels" / "labelset").write_text("abc\n")
    (source / "labels" / "fg.tsv").write_text("".join(f"{n}\t0\n" for n in [*names, "b.wav"]))
    dataset = prepare(Request(str(source)), tmp_path / "out" / "dataset")
    assert [r.file for r in dataset.recordings] == ["a.wav", "b.wav"]
    assert victim.read_bytes() == before
    assert not (tmp_path / "out" / "victim.wav").exists()
    problems = (dataset.folder / "problems.csv").read_text()
    assert problems.count("leads out of audio/") == 2


def test_a_dataset_whose_table_reaches_out_is_refused(tmp_path):
    from birdml.dataset.opening import open_dataset
    from tests.datasets import make_dataset

    make_dataset(tmp_path / "d", audio=False)
    table = tmp_path / "d" / "recordings.csv"
    lines = table.read_text().splitlines()
    lines[3] = "../../victim.wav" + lines[3][lines[3].index(",") :]
    table.write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=r"recordings\.csv', line 4: .*leads out"):
        open_dataset(tmp_path / "d")
