"""The picture of README.md: every frame of a soundscape of the demo, as its ensemble hears it.

Run in the folder where `birdml demo` or `make demo` ran: `python docs/picture.py`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

SOUNDSCAPE = "LIFECLEF2018_SCAPE_WAV_RN7425.wav"
PICTURE = Path(__file__).with_name("picture.png")
WIDTH, COLOURS = 900, 256
LARGEST = 200_000  # bytes that a page may load


def main() -> None:
    """Writes docs/picture.png."""
    with tempfile.TemporaryDirectory() as out:
        command = [
            *(sys.executable, "-m", "birdml", "predict"),
            *(f"data/demo/audio/soundscapes/val/{SOUNDSCAPE}", "--model", "birdml-ensemble"),
            *("--windows", "frame", "--figures", "true", "--out", out),
        ]
        subprocess.run(command, check=True)
        picture = Image.open(Path(out) / f"{SOUNDSCAPE}.png").convert("RGB")
    size = (WIDTH, round(WIDTH * picture.height / picture.width))
    small = picture.resize(size, Image.Resampling.LANCZOS).quantize(COLOURS)
    small.save(PICTURE, optimize=True)
    if PICTURE.stat().st_size > LARGEST:
        sys.exit(f"{PICTURE} has more than {LARGEST} bytes")


if __name__ == "__main__":
    main()
