"""The notebooks run on a small dataset of the demo, and hold no output of anybody's."""

import os
import shutil
from pathlib import Path

import pytest

from birdml.dataset.sources.demo import generate
from birdml.prepare import Request, prepare

nbformat = pytest.importorskip("nbformat", reason="birdml[notebooks] is not installed")
nbclient = pytest.importorskip("nbclient", reason="birdml[notebooks] is not installed")
pytest.importorskip("ipykernel", reason="birdml[notebooks] is not installed")

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PICTURES = {"dataset": 3, "hearing": 4, "zoo": 1}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    raw = generate(folder / "raw", per_species=6, tests=2, soundscapes=1, empty=2)
    marks = str(raw / "annotations")
    return prepare(Request(str(raw), valid="0.25", annotations=marks), folder / "demo", workers=1)


def read(path):
    return nbformat.read(path, as_version=4)


def test_there_are_three():
    assert {path.stem for path in NOTEBOOKS} == PICTURES.keys()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_committed_holds_no_output(path):
    for cell in read(path).cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None, cell.source[:60]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_its_pictures(path, dataset, tmp_path, fresh_store, monkeypatch):
    shutil.copy(fresh_store, tmp_path / "mlflow.db")
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("BIRDML_DATASET", str(dataset.folder))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = read(path)
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    pictures = [out for out in outputs if "image/png" in out.get("data", {})]
    assert len(pictures) == PICTURES[path.stem]
