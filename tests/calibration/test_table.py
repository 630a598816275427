"""`thresholds.csv`: written, edited, given back; every faulty line is named."""

import numpy as np
import pytest

from birdml.calibration.calibrate import calibrate
from birdml.calibration.reading import Rule, reading
from birdml.calibration.table import HEADER, read_thresholds, table_text
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import Species
from birdml.errors import UserError
from tests.calibration.simulated import simulate

SPECIES = tuple(Species(f"c{i}", f"Avis {i}") for i in range(4))
OF = Dataset(None, "made up", "0", SPECIES, ())


def calibration(seed):
    logits, present = simulate(np.random.default_rng(seed), 300, species=4)
    return calibrate(logits, present, range(300), OF)[0]


@pytest.fixture(scope="module")
def ours():
    return calibration(0)


@pytest.fixture
def table(ours, tmp_path):
    found = reading("meta3", ours, 4, Rule(precision=0.9))
    path = tmp_path / "thresholds.csv"
    path.write_text(table_text("meta3", ours, SPECIES, found.table), encoding="utf-8")
    return path, found


def test_what_is_written_is_read_back(ours, table):
    path, found = table
    header, *rows = path.read_text().splitlines()
    assert tuple(header.split(",")) == HEADER and len(rows) == 4
    assert rows[2].split(",")[:2] == ["c2", "Avis 2"]
    thresholds, remark = read_thresholds(path, "meta3", ours, SPECIES)
    assert thresholds == pytest.approx(found.thresholds, abs=1e-5) and not remark


def test_rows_may_be_edited_left_out_and_written_by_a_spreadsheet(ours, tmp_path):
    edited = tmp_path / "edited.csv"
    edited.write_text("\ufeffspecies;threshold\r\nc2;0,25\r\n;\r\nc0;1\r\n", encoding="utf-8")
    thresholds, remark = read_thresholds(edited, "meta3", ours, SPECIES)
    assert thresholds == [1.0, 0.1, 0.25, 0.1]
    assert remark.startswith("2 of 4 species have no row")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("species\nc1\n", "no column threshold"),
        ("", "no column species and no column threshold"),
        ("species,threshold\ndodo,0.5\n", "line 2: no species 'dodo'"),
        ("species,threshold\nc1,1.5\n", "line 2: '1.5' is no number in 0..1"),
        ("species,threshold\nc1,nan\n", "'nan' is no number"),
        ("species,threshold\nc1\n", "'' is no number"),
        ("species,threshold\nc1,0.5\nc1,0.6\n", "line 3: c1 stands twice"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(ours, tmp_path, text, words):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read_thresholds(path, "meta3", ours, SPECIES)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_all_faults_are_listed_at_once(ours, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("species,threshold\n" + "".join(f"x{i},9\n" for i in range(30)))
    with pytest.raises(UserError, match=r"x0.*x9.*and 20 more"):
        read_thresholds(path, "meta3", ours, SPECIES)


def test_a_table_of_another_model_or_none_at_all_is_refused(ours, table, tmp_path):
    path, _ = table
    with pytest.raises(UserError, match=r"line 2: made for meta3, calibration .* make the table"):
        read_thresholds(path, "meta9", calibration(1), SPECIES)
    with pytest.raises(UserError, match="is missing"):
        read_thresholds(tmp_path / "nothing.csv", "meta3", ours, SPECIES)
    (tmp_path / "latin.csv").write_bytes(b"species,threshold\nc\xe91,0.5\n")
    with pytest.raises(UserError, match="no UTF-8"):
        read_thresholds(tmp_path / "latin.csv", "meta3", ours, SPECIES)
