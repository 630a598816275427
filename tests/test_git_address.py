"""`mlflow run ADDRESS` fetches the project by git and runs its steps from what it fetched."""

import os
import shutil
import subprocess
import sys

from birdml.dataset.opening import open_dataset
from tests import release
from tests.dataset.made_up import species_folders

ADDRESS = "https://birds.invalid/"  # git finds a folder in its place


def git(*arguments, cwd):
    subprocess.run(["git", *map(str, arguments)], cwd=cwd, check=True, capture_output=True)


def test_a_step_runs_from_a_git_address(tmp_path, fresh_store):
    source = release.sources(tmp_path / "source")
    git("init", "--quiet", cwd=source)
    git("add", "--all", cwd=source)
    name = ("-c", "user.name=someone", "-c", "user.email=someone@birds.invalid")
    git(*name, "commit", "--quiet", "--message", "all of it", cwd=source)
    git("clone", "--quiet", "--bare", source, tmp_path / "birdml.git", cwd=tmp_path)
    shutil.rmtree(source)
    species_folders(tmp_path / "songs", species=2, each=2)
    away = tmp_path / "away"
    away.mkdir()
    shutil.copy(fresh_store, away / "mlflow.db")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "PYTHONPATH"))}
    path = os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"]))
    here = {"PATH": path, "TMPDIR": str(tmp_path)}
    found_by = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
    }
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", "run", f"{ADDRESS}birdml.git", "-e", "prepare"]
        + ["-P", f"source={tmp_path / 'songs'}", "-P", f"dataset={tmp_path / 'made'}"]
        + ["--env-manager", "local"],
        cwd=away,
        env=kept | here | found_by | {"MLFLOW_TRACKING_URI": f"sqlite:///{away}/mlflow.db"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(open_dataset(tmp_path / "made").recordings) == 4
    assert [path.name for path in away.iterdir()] == ["mlflow.db"]
