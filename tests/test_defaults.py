"""One default, written in three places, is the same in all: MLproject, click, and options."""

import importlib
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import click
import pytest
import yaml

from birdml.jobs.request import TrainOptions
from birdml.steps.calibrate import CalibrateOptions
from birdml.steps.compare_marks import MarkComparison
from birdml.steps.embed import EmbedOptions
from birdml.steps.ensemble_search import EnsembleOptions
from birdml.steps.learn import LearnOptions
from birdml.steps.main import MainOptions
from birdml.steps.predict import SplitOptions
from birdml.steps.predict_files import FileOptions
from birdml.steps.score import ScoreOptions
from birdml.steps.score_marks import MarkOptions
from birdml.steps.similar import SimilarOptions
from birdml.steps.species import SpeciesOptions
from birdml.steps.submit import SubmitOptions

PROJECT = Path(__file__).parent.parent
ENTRY_POINTS = yaml.safe_load((PROJECT / "MLproject").read_text())["entry_points"]
OPTIONS = {
    "main": [MainOptions],
    "train": [TrainOptions],
    "predict": [SplitOptions, FileOptions],
    "ensemble": [EnsembleOptions],
    "calibrate": [CalibrateOptions],
    "submit": [SubmitOptions],
    "score": [ScoreOptions, MarkOptions],
    "compare": [MarkComparison],
    "embed": [EmbedOptions],
    "similar": [SimilarOptions],
    "species": [SpeciesOptions],
    "learn": [LearnOptions],
}


@pytest.fixture
def command(request, monkeypatch):
    """The click command of an entry point."""
    monkeypatch.delenv("BIRDML_DATASET", raising=False)
    for name in ("birdml.commands.command", f"birdml.commands.{request.param}"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module(f"birdml.commands.{request.param}")
    return getattr(module, request.param)


def text(value):
    """A default as it is typed."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize(
    ("command", "name"), [(name, name) for name in ENTRY_POINTS], indirect=["command"]
)
def test_mlproject_and_click_name_the_same_options_and_defaults(command, name):
    asked = ENTRY_POINTS[name]["parameters"]
    options = {option.name: option for option in command.params if isinstance(option, click.Option)}
    assert set(asked) == set(options) - {"help"}
    for key, parameter in asked.items():
        assert f"--{key} {{{key}}}" in ENTRY_POINTS[name]["command"], f"{key} is passed on"
        if "default" not in parameter:
            assert options[key].required, key
        elif parameter["default"] != "":  # empty: the entry point's own default
            assert parameter["default"] == text(options[key].default), key


@pytest.mark.parametrize(
    ("command", "name"), [(name, name) for name in OPTIONS], indirect=["command"]
)
def test_options_in_python_have_the_defaults_of_the_command_line(command, name):
    options = {option.name: option for option in command.params if isinstance(option, click.Option)}
    for kind in OPTIONS[name]:
        for field in fields(kind):
            assert field.name in options, f"{kind.__name__}.{field.name} can be asked for"
            if (kind, field.name) == (FileOptions, "windows"):
                continue  # empty is `recording` for files, and what is usual for a split
            if field.default is not MISSING:
                typed = options[field.name].default
                assert text(field.default) == text("" if typed is None else typed), field.name
