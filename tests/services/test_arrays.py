"""What goes through a team's server comes back as it was, and nothing secret stays behind."""

import subprocess
import sys

import numpy as np
import pytest

from birdml.tracking.arrays import load_predictions, log_predictions
from birdml.tracking.experiments import experiment_id
from tests.datasets import make_dataset
from tests.services.conftest import PROJECT

READ = """
import sys
from birdml.tracking.arrays import load_predictions
from birdml.tracking.store import connect
found = load_predictions(connect(), sys.argv[1], "soundscapes_val")
sys.stdout.buffer.write(found.logits.tobytes() + found.starts.tobytes())
sys.stdout.buffer.write("\\n".join(found.files).encode())
"""


@pytest.mark.services
def test_arrays_of_one_user_reach_another_bit_for_bit(ada, team, tmp_path):
    rng = np.random.default_rng(8)
    logits = rng.integers(0, 2**32, (300, 1500), dtype=np.uint32).view(np.float32)
    assert np.isnan(logits).any()  # every bit pattern there is, also those that are no number
    starts = np.arange(300) * 5.0
    files = [f"größe, {i}.wav" for i in range(300)]
    run_id = ada.create_run(experiment_id(ada), run_name="arrays").info.run_id
    log_predictions(ada, run_id, "soundscapes_val", files, logits, starts)

    here = load_predictions(ada, run_id, "soundscapes_val")
    assert here is not None and here.logits.dtype == np.float32
    assert here.logits.tobytes() == logits.tobytes() and here.files == files

    there = subprocess.run(
        [sys.executable, "-c", READ, run_id],
        env=team.environment_of("carl") | {"PYTHONPATH": str(PROJECT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        check=True,
    )
    assert there.stdout == logits.tobytes() + starts.tobytes() + "\n".join(files).encode()
    ada.set_terminated(run_id)


@pytest.mark.services
def test_without_the_right_password_the_server_lets_nobody_in(team, tmp_path):
    environment = team.environment_of("carl") | {"PYTHONPATH": str(PROJECT)}
    environment["MLFLOW_TRACKING_PASSWORD"] = "guessed"
    command = [sys.executable, str(PROJECT / "entry_points" / "train.py"), "--model", "meta3"]
    command += ["--dataset", str(make_dataset(tmp_path / "data", audio=False).folder)]
    refused = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode == 2, refused.stderr
    assert "guessed" not in refused.stderr and "Traceback" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
