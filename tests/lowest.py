"""The lowest versions that pyproject.toml promises, as constraints for pip, on standard output.

Torch stays as tried: a version of it is gigabytes. So does what only checks or builds (see KEPT).
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXTRAS = ("dev", "notebooks")
KEPT = frozenset(
    "torch ruff mypy pre-commit build twine setuptools "
    "mkdocs-material mkdocstrings mkdocs-click".split()
)
BOUND = re.compile(r"(?P<name>[\w-]+)(?:\[[\w,]+\])?>=(?P<lowest>[\w.]+)")


def lowest() -> dict[str, str]:
    """Name -> lowest version of each direct dependency, but those in KEPT."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = list(project["dependencies"])
    for extra in EXTRAS:
        asked += project["optional-dependencies"][extra]
    found = (BOUND.match(line) for line in asked if not line.startswith("birdml"))
    return {m["name"]: m["lowest"] for m in found if m and m["name"] not in KEPT}


def tried() -> dict[str, str]:
    """Name -> version in constraints.txt of what is in KEPT."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("==") for line in lines)
    return {name: version for name, _, version in pairs if name in KEPT}


if __name__ == "__main__":
    for name, version in sorted((lowest() | tried()).items()):
        print(f"{name}=={version}")
