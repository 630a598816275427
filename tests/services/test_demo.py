"""The whole demo against a team's server, from two machines at once (two folders here)."""

import subprocess
import sys

import pytest

from birdml.dataset.opening import open_dataset
from birdml.tracking import runs
from birdml.tracking.registry import CHAMPION
from tests.services.conftest import PROJECT
from tests.services.servers import USERS

MODELS = ["audio10", "meta1", "combined1"]  # one of each family: `make demo` trains five
NAME = "birdml-ensemble"


@pytest.mark.services
def test_two_clients_run_the_whole_demo_and_share_its_work(ada, team, tmp_path):
    processes = {}
    for user in USERS:
        folder = tmp_path / user
        (folder / "temporary").mkdir(parents=True)
        places = {"TMPDIR": folder / "temporary", "BIRDML_CACHE": folder / "cache"}
        with open(folder / "output", "wb") as out:
            processes[user] = subprocess.Popen(
                [
                    sys.executable, PROJECT / "entry_points" / "main.py",
                    "--models", ",".join(MODELS),
                ],
                env=team.environment_of(user) | places, cwd=folder, stdout=out, stderr=out,
            )  # fmt: skip
    try:
        codes = [process.wait(timeout=1500) for process in processes.values()]
    finally:
        for process in processes.values():
            process.kill()
    outputs = {user: (tmp_path / user / "output").read_text() for user in USERS}
    assert codes == [0, 0], outputs

    digests = {open_dataset(tmp_path / user / "data" / "demo").digest for user in USERS}
    assert len(digests) == 1, "both have made the same dataset"
    (digest,) = digests
    found = runs.search(ada, f"tags.`birdml.dataset_digest` = '{digest}'")
    found = [run for run in found if "birdml.model" in run.data.tags]  # the others: submissions
    assert sorted(run.data.tags["birdml.model"] for run in found) == sorted([*MODELS, NAME])
    assert {run.info.status for run in found} == {"FINISHED"}
    for name in MODELS:
        said = [output.count(f"{name}: trained\n") for output in outputs.values()]
        assert sum(said) == 1, f"{name} is trained by one of them: {outputs}"

    (version,) = ada.search_model_versions(f"name = '{NAME}'")
    assert ada.get_model_version_by_alias(NAME, CHAMPION).version == version.version
    for file in ("mono.csv", "soundscape_test.csv"):
        one, other = ((tmp_path / user / "submission" / file).read_bytes() for user in USERS)
        assert one == other and one.count(b"\n") > 100
    for user in USERS:  # what was downloaded is in the cache, and nowhere else
        left = [p for p in (tmp_path / user / "temporary").rglob("*") if p.stat().st_size > 10_000]
        assert left == []
        assert list((tmp_path / user / "cache").rglob("*.npy"))
    one, other = (o.split("== done in")[1].partition("\n")[2] for o in outputs.values())
    table = one.split("submission:")[0]
    assert table == other.split("submission:")[0] and NAME in table
