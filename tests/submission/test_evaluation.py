"""The 2018 evaluation script: models combined, limited to editions, scored."""

import re

import numpy as np
import pytest

from birdml.dataset.recording import Recording, Species
from birdml.scoring import score
from birdml.submission.probabilities import edition_classes, probabilities, rule_out
from tests.golden import load_json, load_npz, relative_difference


def combined(case, arrays, pooled):
    """Weighted mean of the models' scores, [N, C] (or [rows, C] where not pooled over windows)."""
    rows = arrays["rows"]
    firsts = np.cumsum(rows) - rows
    total = 0.0
    for entry in case["models"]:
        number, _, weight = entry.partition(":")
        scores = arrays[f"preds{number}"]
        if pooled and len(scores) > len(rows):
            scores = np.maximum.reduceat(scores, firsts)
        elif not pooled and len(scores) == len(rows):
            scores = np.repeat(scores, rows, axis=0)
        if "--softmax" in case["options"]:
            scores = probabilities(scores)
        total = total + float(weight or 1) / len(case["models"]) * scores.astype(np.float64)
    return total


def allowed(about):
    species = [
        Species(c, editions=tuple(y for y, members in about["subsets"].items() if c in members))
        for c in about["labelset"]
    ]
    recordings = [
        Recording(f, "valid", edition=re.search(r"LIFECLEF(\d{4})", f).group(1))
        for f in about["filelist"]
    ]
    return edition_classes(species, recordings)


def test_golden_evaluation_script():
    arrays, about = load_npz("eval_cli.npz"), load_json("eval_cli.json")
    truth = arrays["truth"]
    present = np.zeros((len(truth), len(about["labelset"])), dtype=bool)
    present[np.arange(len(truth)), truth] = True
    for row, background in enumerate(about["bg"]):
        present[row, background] = True
    compared = 0
    for case in about["cases"]:
        pooled = "--no-maxpool" not in case["options"]
        scores = combined(case, arrays, pooled)
        theirs = arrays[f"combined_{case['name']}"]
        filtered = "--birdclef-filter" in case["options"]
        if filtered:
            scores = rule_out(scores, allowed(about))
            np.testing.assert_array_equal(np.isneginf(scores), theirs < -1e99)
            seen = theirs > -1e99
            assert relative_difference(scores[seen], theirs[seen]) < 1e-6
        else:
            assert relative_difference(scores, theirs) < 1e-6
        if "printed_bg" in case:
            found = score(scores, truth, present)
            figures = dict(re.findall(r"([\w-]+): ([\d.]+)", case["printed_bg"]))
            assert found["map"] == pytest.approx(float(figures["MAP"]), abs=5.01e-4)
            # what is ruled out is tied, and theirs stands in no defined order
            tolerance = 0.02 if filtered else 5.01e-4
            assert found["map_bg"] == pytest.approx(float(figures["MAP-bg"]), abs=tolerance)
            for k in range(1, 6):
                assert found[f"top{k}"] == pytest.approx(float(figures[f"top-{k}"]), abs=5.01e-3)
            compared += 1
    assert compared
