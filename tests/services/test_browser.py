"""The comparison in a real browser: from a file, without network, on a desk and on a phone."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from birdml.comparison.page import page
from birdml.comparison.report import compare
from tests.comparison.test_page import C, N, made_up, models  # noqa: F401 (a fixture)

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--virtual-time-budget=5000",
]  # fmt: skip

# What the browser made of the page, as JSON in an attribute of the document that is dumped.
PROBE = """
<script>
const names = () => [...document.querySelectorAll(".models tbody tr")].map(
  (row) => row.cells[0].textContent);
const click = (name) => [...document.querySelectorAll("th button")].find(
  (button) => button.textContent === name).click();
const found = { start: names() };
click("MAP"); found.ascending = names();
click("model"); found.byName = names();
click("minutes"); found.byMinutes = names();
found.width = document.documentElement.scrollWidth; found.window = innerWidth;
found.loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
found.paper = getComputedStyle(document.body).backgroundColor;
document.documentElement.dataset.found = JSON.stringify(found);
</script>
"""


def browse(path: Path, folder: Path, *flags: str) -> dict:
    """Opens a page in Chromium and returns what the probe found."""
    chromium = shutil.which("chromium")
    assert chromium, "no chromium: run `make services`"
    done = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={folder}", *flags, "--dump-dom", path.as_uri()],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=900,
        check=True,
        text=True,
    )
    text = done.stdout.split('data-found="', 1)[1].split('"', 1)[0]
    return json.loads(text.replace("&quot;", '"').replace("&amp;", "&"))


@pytest.fixture
def written(models, tmp_path) -> Path:  # noqa: F811
    path = tmp_path / "compare.html"
    path.write_text(page(compare("here", C, models)).replace("</body>", f"{PROBE}</body>"))
    return path


@pytest.mark.services
def test_tables_sort_and_nothing_is_fetched(written, models, tmp_path):  # noqa: F811
    found = browse(written, tmp_path / "desk", "--window-size=1300,900")
    assert found["loaded"] == []
    assert found["start"][0] == "best of all"
    assert found["ascending"] == found["start"][::-1]
    assert found["byName"] == sorted(found["start"])
    assert found["byMinutes"] == [
        "audio1",
        "meta2",
        "meta6",
        "meta9",
        "meta8",
        "meta3",
        "best of all",
    ]


@pytest.mark.services
@pytest.mark.parametrize("size", ["500,900", "1300,900"])
def test_the_page_is_no_wider_than_the_window(written, tmp_path, size):
    found = browse(written, tmp_path / "profile", f"--window-size={size}")
    assert found["window"] == int(size.split(",")[0])
    assert found["width"] <= found["window"]


@pytest.mark.services
def test_dark_where_the_reader_wants_it_dark(written, tmp_path):
    light = browse(written, tmp_path / "light")
    dark = browse(written, tmp_path / "dark", "--blink-settings=preferredColorScheme=0")
    assert light["paper"] != dark["paper"]
