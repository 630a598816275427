"""What the rooms of the house promise each other."""

import ast
from pathlib import Path

import birdml

HOUSE = Path(birdml.__file__).parent
SERVED = {"ensemble/registration.py", "ensemble/served_model.py"}
BELOW = (
    *("dataset", "annotations", "prepare", "signal", "networks", "scoring", "zoo", "encoders"),
    *("prediction", "training"),
)
PRINT = ("steps/", "commands/", "jobs/in_turn.py", "jobs/workers.py", "jobs/live_table.py")
ABOVE = ("birdml.tracking", "birdml.ensemble", "birdml.jobs", "birdml.steps", "birdml.commands")


def imports() -> dict[str, set[str]]:
    """Names of modules that each module imports, anywhere in it, by its path in the package."""
    found: dict[str, set[str]] = {}
    for path in HOUSE.rglob("*.py"):
        names = found.setdefault(path.relative_to(HOUSE).as_posix(), set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_only_tracking_and_the_served_model_know_mlflow():
    knowing = {path for path, names in imports().items() if "mlflow" in names}
    knowing |= {p for p, names in imports().items() if any(n.startswith("mlflow.") for n in names)}
    assert knowing - SERVED == {path for path in knowing if path.startswith("tracking/")}
    assert knowing >= SERVED | {"tracking/client.py"}


def test_what_computes_knows_nothing_of_who_asks_for_it():
    for path, names in imports().items():
        if path.split("/")[0] in BELOW:
            assert not {name for name in names if name.startswith(ABOVE)}, path


def test_only_steps_and_what_shows_their_progress_print():
    for path in HOUSE.rglob("*.py"):
        where = path.relative_to(HOUSE).as_posix()
        names = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "print" not in names or where.startswith(PRINT), f"{where}: log it"
