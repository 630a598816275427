"""The golden folder: inputs, parameters and outputs of the 2018 system."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent


def golden_folder() -> Path:
    """The folder in BIRDML_GOLDEN, else ../shared/golden; skips the test where it is absent."""
    folder = Path(os.environ.get("BIRDML_GOLDEN") or ROOT.parent / "shared" / "golden")
    if not folder.is_dir():
        pytest.skip(f"no golden files at {folder}; name their folder in BIRDML_GOLDEN")
    return folder


def shared_folder(name: str) -> Path:
    """A folder beside the golden one (data, reference), from BIRDML_SHARED or ../shared."""
    folder = Path(os.environ.get("BIRDML_SHARED") or ROOT.parent / "shared") / name
    if not folder.exists():
        pytest.skip(f"{folder} is absent; name the shared folder in BIRDML_SHARED")
    return folder


def load_npz(name: str) -> dict[str, np.ndarray]:
    """All arrays of one file; floats stored as float16 come back as the float32 they stand for."""
    with np.load(golden_folder() / name) as arrays:
        return {
            key: arrays[key].astype(np.float32) if arrays[key].dtype == np.float16 else arrays[key]
            for key in arrays.files
        }


def load_json(name: str) -> Any:
    return json.loads((golden_folder() / name).read_text())


def relative_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest absolute difference over the largest magnitude of the expected array."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape, f"shape {ours.shape}, expected {theirs.shape}"
    if not theirs.size:
        return 0.0
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-12))
