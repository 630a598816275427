"""Three processes that train the same models at once: one run each, none of them twice."""

from collections import Counter

import mlflow
import pytest

from birdml.tracking import runs
from birdml.tracking.claims import Claims
from tests.datasets import make_dataset
from tests.services.servers import USERS
from tests.services.test_training import train

PROCESSES = 3
MODELS = "meta1,meta2,meta3,meta5,meta8,meta9,meta10"  # meta8 and meta10 wait for a teacher
QUICK = "hidden=[8,8] epoch_steps=5 epochs=1"


@pytest.mark.services
@pytest.mark.parametrize("store", ["sqlite", "server"])
def test_processes_that_start_together_train_each_model_once(store, team, tmp_path, monkeypatch):
    seed = ["sqlite", "server"].index(store)
    dataset = make_dataset(tmp_path / "data", audio=False, seed=100 + seed)
    environments = [dict(team.environment_of(USERS[i % 2])) for i in range(PROCESSES)]
    if store == "sqlite":
        for environment in environments:  # nobody has made the file: they race for that as well
            environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{tmp_path}/mlflow.db"
    processes = [
        train(dataset.folder, MODELS, QUICK, environment, tmp_path / str(number))
        for number, environment in enumerate(environments)
    ]
    try:
        codes = [process.wait(timeout=900) for process in processes]
    finally:
        for process in processes:
            process.kill()
    outputs = [(tmp_path / str(i) / "output").read_text() for i in range(PROCESSES)]
    assert codes == [0] * PROCESSES, outputs

    names = MODELS.split(",")
    said = Counter(
        line for text in outputs for line in text.splitlines() if line.endswith(": trained")
    )
    assert said == {f"{name}: trained": 1 for name in names}, "each is trained by one process"

    for key, value in environments[0].items():
        if key.startswith("MLFLOW"):
            monkeypatch.setenv(key, value)
    client = mlflow.MlflowClient(environments[0]["MLFLOW_TRACKING_URI"])
    found = runs.search(client, f"tags.`birdml.dataset_digest` = '{dataset.digest}'")
    assert Counter(run.data.tags["birdml.model"] for run in found) == Counter(names)
    assert {run.info.status for run in found} == {"FINISHED"}
    for run in found:
        (version,) = client.search_model_versions(f"run_id = '{run.info.run_id}'")
        assert str(version.version) == run.data.tags["birdml.model_version"]
    board = client.get_run(Claims(client, dataset.digest).run_id)
    identities = {run.data.tags["birdml.identity"] for run in found}
    claims = [c for c in board.data.params if c.rpartition(".")[0] in identities]
    # A claim just after the end finds the model trained and is given back: never more than that.
    assert {claim for claim in claims if claim.endswith(".1")} == {f"{i}.1" for i in identities}
    working = [text.count(": trained\n") for text in outputs]
    print(f"{store}: {working} models each, {len(claims)} claims")
