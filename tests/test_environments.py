"""The environment of `mlflow run` with conda holds what the package asks for, as tried together."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent


def plain(name):
    return name.lower().replace("_", "-")


def test_conda_holds_every_dependency_in_the_version_that_was_tried():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {plain(re.match(r"[\w-]+", line).group()) for line in project["dependencies"]}
    tried = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    tried = {plain(name): version for name, version in tried.items()}
    listed = yaml.safe_load((ROOT / "conda.yaml").read_text())["dependencies"][-1]["pip"]
    held = dict(line.split("==") for line in listed)
    assert {plain(name) for name in held} == asked
    for name, version in held.items():
        assert tried[plain(name)] == version, name
