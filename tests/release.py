"""`make release-check`: sdist and wheel, their metadata, and the wheel at work away from here.

The wheel is installed into an environment that sees the packages of this one, but no checkout.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def sources(folder: Path) -> Path:
    """A copy of the files that git knows or does not ignore: what a clone would build."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def build(folder: Path) -> tuple[Path, Path]:
    """Builds sdist, and the wheel out of it, without downloading; returns both."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist"]
    done = subprocess.run([*command, sources(folder / "source")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    return sdist, wheel


def install(wheel: Path, folder: Path) -> Path:
    """Makes an environment with the wheel; returns the folder of its commands."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    # what PYTHONPATH shows would count as installed
    apart = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run([*pip, "--no-index", wheel], check=True, env=apart)
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "shared.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin"


def environment(folder: Path) -> dict[str, str]:
    """Variables of a user who has no checkout, with a store of their own in a folder."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("MLFLOW_", "BIRDML_", "PYTHON", "VIRTUAL_ENV"))
    }
    return kept | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = build(folder)
        subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True)
        commands = install(files[1], folder / "environment")
        away = folder / "away"
        away.mkdir()
        for arguments in (["--version"], ["demo"], ["models", "ls"]):
            print(f"$ birdml {' '.join(arguments)}", flush=True)
            subprocess.run(
                [commands / "birdml", *arguments], cwd=away, env=environment(away), check=True
            )
    print("ready to be released")


if __name__ == "__main__":
    main()
