"""Our own files are read as strictly as those of others."""

import pytest

from birdml.dataset.opening import open_dataset
from birdml.errors import UserError
from tests.datasets import make_dataset


@pytest.fixture
def folder(tmp_path):
    make_dataset(tmp_path / "d", audio=False)
    return tmp_path / "d"


@pytest.mark.parametrize("name", ["dataset.toml", "recordings.csv", "species.csv"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'"open', b"x,y\n1,2\n", None])
def test_broken_files_are_named_in_one_line(folder, name, content):
    path = folder / name
    path.unlink()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(UserError) as error:
        open_dataset(folder)
    assert "\n" not in str(error.value)
    assert "prepare" in str(error.value)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("latitude", "north", "could not convert"),
        ("latitude", "95", "latitude 95 is not in"),
        ("longitude", "nan", "longitude nan is not in"),
        ("samples", "-1", "samples can't be"),
        ("samples", "1e3", "invalid literal"),
        ("split", "testing", "the split 'testing' is none of"),
        ("date", "2015-13-01", "month must be in"),
        ("time", "25:00", "time '25:00' is not hh:mm"),
    ],
)
def test_values_that_cannot_be_are_named_with_their_line(folder, column, value, message):
    path = folder / "recordings.csv"
    header, *rows = [line.split(",") for line in path.read_text().splitlines()]
    rows[4][header.index(column)] = value
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    with pytest.raises(UserError, match=rf"recordings\.csv', line 6: .*{message}"):
        open_dataset(folder)


def test_a_row_that_is_cut_off_is_named(folder):
    path = folder / "recordings.csv"
    path.write_text(path.read_text()[:-30])
    with pytest.raises(UserError, match="values for 13 columns"):
        open_dataset(folder)


def test_a_recording_or_label_that_stands_twice_is_refused(folder):
    path = folder / "recordings.csv"
    text = path.read_text()
    path.write_text(text + text.splitlines()[-1] + "\n")
    with pytest.raises(UserError, match="stands twice"):
        open_dataset(folder)
    path.write_text(text)
    path = folder / "species.csv"
    path.write_text(path.read_text().replace("2,sp2", "1,sp2"))
    with pytest.raises(UserError, match="label again"):
        open_dataset(folder)
