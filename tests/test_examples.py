"""The examples in docstrings are true."""

import doctest
import importlib
from pathlib import Path

import pytest

import birdml

ROOT = Path(birdml.__file__).parent
MODULES = [
    ".".join(("birdml", *path.relative_to(ROOT).with_suffix("").parts))
    for path in sorted(ROOT.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0 and found.failed == 0


def test_there_are_examples():
    assert len(MODULES) > 20
