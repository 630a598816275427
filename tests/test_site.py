"""The documentation builds as a site without a warning, and needs nothing from others."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytest.importorskip("material", reason="birdml[docs] is not installed")


def test_the_site_builds_and_every_page_of_docs_is_in_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    menu = (ROOT / "mkdocs.yml").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        assert str(page.relative_to(ROOT / "docs")) in menu, page
    commands = (tmp_path / "reference" / "commands" / "index.html").read_text()
    assert "--valid_by" in commands and "--precision" in commands
    for page in tmp_path.rglob("*.html"):
        loaded = re.findall(r'(?:src|href)="(https?://[^"]+\.(?:css|js|woff2?))"', page.read_text())
        assert not loaded, page
