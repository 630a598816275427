"""These tests start real servers: they run only where `-m services` asks for them."""

import os
from pathlib import Path

import pytest

from tests.services.servers import team as start_team

PROJECT = Path(__file__).parent.parent.parent


def pytest_collection_modifyitems(config, items):
    if "services" not in config.option.markexpr:
        reason = pytest.mark.skip(reason="starts real servers: `make services` runs it")
        for item in items:
            if "services" in item.keywords:
                item.add_marker(reason)


@pytest.fixture(scope="session")
def team(tmp_path_factory):
    """PostgreSQL, S3 and `mlflow server` with users; one for all tests."""
    with start_team(tmp_path_factory.mktemp("team")) as one:
        yield one


@pytest.fixture
def ada(team, monkeypatch):
    """This process as the user ada of the team's server; yields a client."""
    import mlflow

    from birdml.tracking.store import connect

    before = mlflow.get_tracking_uri()
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    for key, value in team.environment_of("ada").items():
        if key.startswith("MLFLOW"):
            monkeypatch.setenv(key, value)
    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
    yield connect()
    mlflow.set_tracking_uri(before)
