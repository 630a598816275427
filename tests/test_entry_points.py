"""Entry points as users call them: help, and one line with exit code 2 for a mistake."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMES = ("prepare", "train", "predict", "ensemble", "calibrate", "submit", "score", "compare")
NAMES += ("main", "embed", "similar", "species", "season", "learn")


def call(name: str, *arguments: str, cwd=ROOT, **environment: str):
    return subprocess.run(
        [sys.executable, str(ROOT / "entry_points" / f"{name}.py"), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")} | environment,
        timeout=900,
    )


@pytest.mark.parametrize("name", NAMES)
def test_help_needs_neither_torch_nor_mlflow(name, tmp_path):
    for package in ("torch", "mlflow", "rich"):  # stand in the way of an import
        (tmp_path / f"{package}.py").write_text("raise ImportError('too early')")
    done = call(name, "--help", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: {name}.py")


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_of_the_project_is_an_option(name):
    import yaml

    project = yaml.safe_load((ROOT / "MLproject").read_text())
    entry = project["entry_points"][name]
    shown = call(name, "--help").stdout
    for parameter in entry["parameters"]:
        assert f"--{parameter} {{{parameter}}}" in entry["command"]
        assert re.search(rf"--{parameter}\b", shown), parameter


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("train", ("--model", "meta33"), "no model is named 'meta33'; did you mean"),
        ("train", ("--model", "meta3", "--profile", "tiny"), "unknown profile 'tiny'"),
        ("train", ("--model", "meta3", "--set", "epoch=3"), "unknown setting 'epoch'"),
        ("train", ("--model", "meta3", "--dataset", "nowhere"), "no prepared dataset at 'nowhere'"),
        ("train", (), "--model"),
        ("train", ("--model", "meta3", "--jobs", "none"), "--jobs"),
        ("prepare", ("--source", "nowhere"), "nowhere"),
        ("prepare", ("--source", ".", "--layout", "birds"), "birds"),
        ("calibrate", ("--model", "a", "--dataset", "nowhere"), "no prepared dataset at 'nowhere'"),
        ("ensemble", ("--dataset", "nowhere"), "no prepared dataset at 'nowhere'"),
        ("score", ("--submission", "nowhere.csv", "--truth", "nowhere"), "nowhere"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(name, arguments, complaint, tmp_path):
    done = call(name, *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: ")
    assert not list(tmp_path.iterdir()), "nothing is left behind"


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        ("KeyboardInterrupt", 130, "interrupted; the same command goes on"),
        ("click.Abort", 130, "interrupted; the same command goes on"),
        ("UserError('no such thing')", 2, "error: no such thing"),
        ("ValueError('a fault of ours')", 1, "Traceback"),
    ],
)
def test_how_a_command_ends(raised, code, said):
    script = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import click
from birdml.commands.command import UserError, entry_point
@entry_point
def thing():
    raise {raised}
thing()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == code and said in done.stderr
    assert ("Traceback" in done.stderr) == (code == 1)


def birdml(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "birdml", *arguments],
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
        | {"PYTHONPATH": str(ROOT)}
        | environment,
    )


def test_one_command_has_every_step_and_its_help_imports_nothing_heavy(tmp_path):
    for package in ("torch", "mlflow", "numpy", "rich"):  # stand in the way of an import
        (tmp_path / f"{package}.py").write_text("raise ImportError('too early')")
    done = birdml("--help", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.returncode == 0, done.stderr
    for name in (*NAMES, "demo", "models"):
        assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE), name


@pytest.mark.parametrize("name", NAMES)
def test_both_doors_have_the_same_help(name):
    usage, _, own = birdml(name, "--help").stdout.partition("\n\n")
    assert usage.startswith(f"Usage: birdml {name} ")
    assert own == call(name, "--help").stdout.partition("\n\n")[2]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("trian",), "No such command 'trian'; did you mean 'train'?"),
        (("xyz",), "No such command 'xyz'; there are demo, main, prepare,"),
        (("models", "shwo"), "did you mean 'show'?"),
        (("train", "--modle", "meta3"), "--model"),
        (("train", "--model", "meta33"), "did you mean"),
        (("predict", "a.wav", "--recordings", "b.wav", "--model", "x"), "named twice"),
    ],
)
def test_a_mistake_behind_the_one_door_is_one_line_too(arguments, complaint):
    done = birdml(*arguments)
    assert done.returncode == 2 and complaint in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: ")
