"""The environment of `mlflow run` with conda holds what the package asks for, as tried together."""

import re
import tomllib
from pathlib import Path

import yaml

from tests.lowest import KEPT, lowest, tried

ROOT = Path(__file__).parent.parent


def plain(name):
    return name.lower().replace("_", "-")


def test_the_lowest_versions_are_those_that_are_promised():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    promised = lowest()
    for line in project["dependencies"]:
        name = re.match(r"[\w-]+", line).group()
        assert name in KEPT or f"{name}>={promised[name]}," in line, line
    assert "torch" in tried() and promised["pytest"] and "birdml" not in promised


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
