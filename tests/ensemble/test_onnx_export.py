"""ONNX files answer as torch does: each member and the whole, for recordings of any length."""

import csv
import json

import numpy as np
import pytest
import torch

from birdml.ensemble.combination import combine, load_combination
from birdml.ensemble.onnx_export import WHOLE, export_onnx
from birdml.errors import UserError
from birdml.zoo.parts import Metadata
from tests.ensemble.saved import combination
from tests.prediction.small import noise

onnxruntime = pytest.importorskip("onnxruntime")
WEIGHTS = {"audio": 0.7, "meta": 0.2, "combined": 0.4, "place": 0.3}
TABLE = np.array([[120.0, 390.0, -3.1, -60.0, 90.0], [300.0, np.nan, 48.0, 16.0, np.nan]])


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    source = combination(folder, WEIGHTS)
    whole = load_combination(source)
    (folder / "out").mkdir()
    export_onnx(whole, source, folder / "out")
    return whole, folder / "out"


def answers(whole, samples):
    """Of torch: logits of each member, and what each takes, by the names of inputs."""
    rows, given = [], {"samples": samples}
    for member, (model, _) in zip(whole.lineage, whole.members):
        inputs = []
        if model.recipe.takes_samples:
            inputs.append(torch.from_numpy(samples))
        if isinstance(model.recipe, Metadata):
            encoded = model.recipe.encoded(TABLE[: len(samples)])
            given[f"metadata_{member.name}"] = encoded
            inputs.append(torch.from_numpy(encoded))
        with torch.no_grad():
            rows.append(model.network(*inputs).numpy())
    return rows, given


@pytest.mark.parametrize("seconds", [3.0, 5.0, 11.3])
@pytest.mark.parametrize("batch", [1, 2])
def test_members_and_the_whole_answer_as_torch_does(exported, seconds, batch):
    whole, folder = exported
    samples = np.stack([noise(seconds, seed) for seed in range(batch)])
    rows, given = answers(whole, samples)
    for member, expected in zip(whole.lineage, rows):
        file = session(folder / f"{member.name}.onnx")
        takes = {i.name: given[i.name] for i in file.get_inputs()}
        (found,) = file.run(None, takes)
        np.testing.assert_allclose(found, expected, atol=1e-4)
    file = session(folder / WHOLE)
    (found,) = file.run(None, {i.name: given[i.name] for i in file.get_inputs()})
    np.testing.assert_allclose(found, combine(rows, whole.weights), atol=1e-4)


def test_labels_and_what_goes_where_lie_beside(exported):
    whole, folder = exported
    about = json.loads((folder / "model.json").read_text())
    assert about["opset"] == 17 and [m["weight"] for m in about["members"]] == list(
        WEIGHTS.values()
    )
    assert set(about["inputs"]) == {i.name for i in session(folder / WHOLE).get_inputs()}
    with open(folder / "labels.csv", newline="", encoding="utf-8") as file:
        assert [row["class_id"] for row in csv.DictReader(file)] == [
            one.class_id for one in whole.species
        ]


@pytest.mark.parametrize("pooling", ["att4", "max", "mean", "lme3"])
@pytest.mark.parametrize("trunk", ["plain", "residual"])
def test_every_pooling_and_trunk_has_an_onnx_form(tmp_path, trunk, pooling):
    from birdml.ensemble.onnx_export import _write, exportable
    from birdml.zoo.saved import SavedModel
    from tests.prediction.small import network, recipe

    built = network(trunk, pooling)
    model = SavedModel(recipe(trunk, pooling), built, (), "", "", "")
    _write(exportable(model), {"samples": torch.from_numpy(noise(4.0))[None]}, tmp_path / "a.onnx")
    for seconds in (3.0, 9.0):
        samples = noise(seconds)[None]
        (found,) = session(tmp_path / "a.onnx").run(None, {"samples": samples})
        with torch.no_grad():
            expected = built(torch.from_numpy(samples))  # untrained: logits of several hundred
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"magnitude": "pcen"}, "PCEN"), ({"pooling": "noisy_or"}, "noisy_or")],
)
def test_what_has_no_onnx_form_is_said(settings, message):
    from birdml.ensemble.onnx_export import exportable
    from birdml.zoo.saved import SavedModel
    from tests.prediction.small import network, recipe

    built = network(**settings)
    model = SavedModel(recipe(**settings), built, (), "", "", "")
    with pytest.raises(UserError, match=message):
        exportable(model)
