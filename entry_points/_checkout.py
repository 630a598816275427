"""Puts the checkout that these scripts lie in before any installed birdml."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
