"""What an experiment tells a newcomer, whoever made it, and where its runs are looked at."""

import json

from birdml.tracking import experiments, own_runs
from birdml.tracking.descriptions import EXPERIMENT_TAGS, VIEW


def handed_run(client, monkeypatch, experiment: str) -> None:
    run = client.create_run(experiment)
    monkeypatch.setenv("MLFLOW_RUN_ID", run.info.run_id)


def test_an_experiment_that_mlflow_run_made_is_described(client, monkeypatch):
    made = client.create_experiment("birdml")  # as `mlflow run --experiment-name birdml` does
    handed_run(client, monkeypatch, made)
    assert experiments.experiment_id(client) == made
    tags = client.get_experiment(made).tags
    note = tags.pop(experiments.NOTE)
    assert note.endswith(EXPERIMENT_TAGS[experiments.NOTE])
    link = f"](#/experiments/{made}/runs?viewStateShareKey={VIEW}&"
    assert link in note.splitlines()[0], "the saved view is one click away"
    assert tags == {key: value for key, value in EXPERIMENT_TAGS.items() if key != experiments.NOTE}
    assert experiments.experiment_id(client) == made
    assert client.get_experiment(made).tags[experiments.NOTE] == note, "once"


def test_what_its_owner_wrote_about_an_experiment_stays(client, monkeypatch):
    made = client.create_experiment("mine", tags={"mlflow.note.content": "my birds"})
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    assert experiments.experiment_id(client) == made
    expected = EXPERIMENT_TAGS | {"mlflow.note.content": "my birds"}
    assert client.get_experiment(made).tags == expected


def test_the_saved_view_selects_by_metrics_and_tags_that_runs_have(client):
    experiment = client.get_experiment(experiments.experiment_id(client))
    view = json.loads(experiment.tags[f"mlflow.sharedViewState.{VIEW}"])
    state = json.loads(view["state"])
    model = own_runs.open_run(client, "meta3", {"birdml.family": "meta"})
    better = own_runs.open_run(client, "meta8", {"birdml.family": "meta"})
    own_runs.open_run(client, "main", {"birdml.family": "step"})
    client.log_metric(model, "map", 0.5)
    client.log_metric(better, "map", 0.6)
    order = f"{state['orderByKey']} {'ASC' if state['orderByAsc'] else 'DESC'}"
    found = client.search_runs([experiment.experiment_id], state["searchFilter"], order_by=[order])
    assert [run.info.run_id for run in found] == [better, model]


def test_where_to_look_names_the_store_and_the_page_of_the_experiment(client):
    experiment = experiments.experiment_id(client)
    lines = experiments.where_to_look(client).splitlines()
    assert f"mlflow ui --backend-store-uri '{client.tracking_uri}'" in lines[0]
    assert f"/#/experiments/{experiment}/runs?viewStateShareKey={VIEW}&" in lines[1]


def test_a_server_is_looked_at_where_it_is_and_its_password_is_not_shown(client):
    class Server:  # a client with another address: nothing listens there
        tracking_uri = "https://ada:secret@mlflow.example.org/"

        def __getattr__(self, name):
            return getattr(client, name)

    line = experiments.where_to_look(Server())
    assert "mlflow.example.org/#/experiments/" in line
    assert "secret" not in line and "mlflow ui" not in line
