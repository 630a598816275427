"""The examples of docs/parts.md run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "parts.md"
EXAMPLES = re.findall(r"^## (.+?)$.*?```python\n(.+?)```", PAGE.read_text(), re.DOTALL | re.M)
WANTED = (
    "Learnable mel bank",
    "Learnable power",
    "PCEN",
    "Log-mean-exp pooling",
    "Attention pooling",
    "Bucketed random excerpts",
    "WAV reading",
    "Fast spectrogram",
    "Presence and thresholds",
)


def test_the_page_has_an_example_of_every_part():
    assert tuple(title for title, _ in EXAMPLES) == WANTED


@pytest.mark.parametrize("title, code", EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_example(title, code, capsys):
    exec(compile(code, f"{PAGE.name}: {title}", "exec"), {"__name__": "example"})


def test_parts_come_without_mlflow():
    """Whoever takes one part does not pay for the rest."""
    modules = "birdml.networks.frontend, birdml.networks.pooling, birdml.signal.excerpts"
    code = f"import sys, {modules}; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
