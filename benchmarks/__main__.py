"""Every benchmark once, ours and its reference in turn: a table, and `benchmarks/results.json`.

`python -m benchmarks` runs all, `python -m benchmarks signal networks` some of them.
"""

import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
COLUMNS = ("name", "ours", "reference", "ratio", "unit", "what_reference_is")


def main(names: list[str]) -> None:
    """Runs benchmarks by the names of their modules; the others keep their last results."""
    there = sorted(path.stem for path in HERE.glob("[a-z]*.py"))
    unknown = [name for name in names if name not in there]
    if unknown:
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(there)}")
    path = HERE / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for name in names or there:
        began = time.perf_counter()
        rows = importlib.import_module(f"benchmarks.{name}").run()
        results[name] = {
            "rows": [{key: row.get(key) for key in COLUMNS} for row in rows],
            "seconds": round(time.perf_counter() - began),
            "cores": os.cpu_count(),
            "load": [round(load, 1) for load in os.getloadavg()],
            "python": platform.python_version(),
        }
        print_table(name, rows)
        path.write_text(json.dumps(results, indent=1) + "\n")


def print_table(name: str, rows: list[dict]) -> None:
    """One benchmark's figures."""
    print(f"\n{name}")
    for row in rows:
        figures = [row.get(key) for key in ("ours", "reference", "ratio")]
        cells = "".join(f"{'-' if f is None else format(f, '.4g'):>11}" for f in figures)
        print(f"  {row['name']:<44}{cells}  {row['unit']:<12} against {row['what_reference_is']}")


if __name__ == "__main__":
    main(sys.argv[1:])
