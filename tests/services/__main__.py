"""Installs what the tests of real servers need, with apt where it is missing, and runs them."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.services.servers import postgres_programs


def missing_packages() -> list[str]:
    """Debian packages that have to be installed first."""
    packages = []
    try:
        postgres_programs()
    except FileNotFoundError:
        packages.append("postgresql")
    if shutil.which("chromium") is None:
        packages.append("chromium")
    return packages


def install(packages: list[str]) -> None:
    root = [] if os.getuid() == 0 else ["sudo"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *packages]):
        subprocess.run([*root, "apt-get", *command], check=True, env=environment)


if __name__ == "__main__":
    if packages := missing_packages():
        print(f"installing {', '.join(packages)}", flush=True)
        install(packages)
    sys.exit(pytest.main(["-m", "services", "--durations=0", "tests/services", *sys.argv[1:]]))
