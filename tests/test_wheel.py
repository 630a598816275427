"""The wheel, installed away from the checkout: steps, workers, and what it registers."""

import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
import soundfile

import birdml
from tests import release
from tests.datasets import make_dataset


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return release.build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def commands(built, tmp_path_factory):
    return release.install(built[1], tmp_path_factory.mktemp("environment"))


def call(commands, *arguments, cwd):
    done = subprocess.run(
        [commands / "birdml", *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, env=release.environment(cwd), timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_the_package(built):
    root = Path(birdml.__file__).parent
    mine = {
        str(path.relative_to(root.parent))
        for path in root.rglob("*")
        if path.suffix in {".py", ".toml", ".html", ".css", ".js", ".typed"}
    }
    held = set(zipfile.ZipFile(built[1]).namelist())
    assert mine <= held
    assert not [name for name in held if name.startswith(("tests", "entry_points", "benchmarks"))]
    with tarfile.open(built[0]) as sdist:
        assert any(name.endswith("/LICENSE") for name in sdist.getnames())


def test_it_trains_exports_and_predicts_without_a_checkout(commands, tmp_path):
    assert call(commands, "--version", cwd=tmp_path) == f"birdml, version {birdml.__version__}\n"
    assert "empty" in call(commands, "models", "ls", cwd=tmp_path)
    dataset = make_dataset(tmp_path / "data")
    call(
        commands, "train", "--model", "meta1,meta2", "--dataset", dataset.folder, "--profile",
        "demo", "--set", "epochs=1", "--jobs", "2", cwd=tmp_path,
    )  # fmt: skip
    listed = call(commands, "models", "ls", cwd=tmp_path)
    assert "birdml-meta1" in listed and "birdml-meta2" in listed
    assert "MAP" in call(commands, "models", "show", "meta1", cwd=tmp_path)
    exported = call(commands, "models", "export", "meta1", "--out", "mine", cwd=tmp_path).strip()
    assert (tmp_path / exported / "README.md").read_text().startswith("# birdml-meta1\n")
    soundfile.write(tmp_path / "song.wav", [0.0] * 22050, 22050)
    call(
        commands, "predict", "song.wav", "--model", "mine", "--date", "2020-05-01",
        "--min_score", "0", "--out", "heard", cwd=tmp_path,
    )  # fmt: skip
    assert (tmp_path / "heard" / "predictions.csv").read_text().count("\n") > 1


def test_completion_of_a_shell_names_the_commands(commands, tmp_path):
    asked = {"_BIRDML_COMPLETE": "bash_complete", "COMP_WORDS": "birdml pre", "COMP_CWORD": "1"}
    done = subprocess.run(
        [commands / "birdml"], capture_output=True, text=True, env=os.environ | asked
    )
    assert set(done.stdout.split()) == {"plain,prepare", "plain,predict"}
