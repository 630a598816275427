"""`constraints-lowest.txt`: the lowest versions that `pyproject.toml` promises, for `make lowest`.

`python -m tests.lowest` writes it: every direct dependency at its lower bound, what they bring as
in `constraints.txt`. PyTorch stays as it is there: other versions are gigabytes to download.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILE = ROOT / "constraints-lowest.txt"
KEPT = {"torch"}
EXTRAS = ("dev", "birdnet", "notebooks")


def normalized(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lower_bounds() -> dict[str, str]:
    """Version by name of what is installed for the tests; those without a bound are left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(line for name in EXTRAS for line in extras[name])]
    found = (re.match(r"([\w.-]+)(?:\[[^]]*])?>=([\w.]+)", line) for line in asked)
    return {normalized(m[1]): m[2] for m in found if m and normalized(m[1]) not in KEPT}


def lowest() -> str:
    """What the file holds: a line `name==version` each, in order."""
    lowest = lower_bounds()
    pinned = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    )
    rest = {normalized(name): version for name, version in pinned.items()}
    return "".join(f"{name}=={version}\n" for name, version in sorted((rest | lowest).items()))


if __name__ == "__main__":
    FILE.write_text(lowest(), encoding="utf-8")
