"""A user's ONNX encoder that tests make: 0.5 s at 8 kHz -> 4 values, 3 logits."""

import hashlib

import numpy as np
import pytest

RATE, SAMPLES, DIMENSION = 8000, 4000, 4
LABELS = ("Avis prima_First Bird", "Avis secunda_Second Bird", "Avis tertia_Third Bird")
ENTRY = """
[tiny]
title = "Tiny"
runtime = "onnx"
rate = 8000
window = 0.5
hop = 0.5
dimension = 4
file = "tiny.onnx"
sha256 = "{sha256}"
labels = "tiny.txt"
labels_sha256 = "{labels_sha256}"
embedding = "features"
logits = "scores"
code_licence = "MIT"
weights_licence = "CC0-1.0"
licence_file = "tiny-licence.txt"
"""


def weights():
    """Its two layers, [S, D] and [D, L]: two pitches of the tests' tones in two phases, and three
    of the four."""
    time = 2 * np.pi * np.arange(SAMPLES) / RATE
    tones = [wave(pitch * time) for pitch in (900, 2070) for wave in (np.sin, np.cos)]
    return np.stack(tones, 1).astype(np.float32) / 100, np.eye(4, 3, dtype=np.float32)


def make_encoder(folder):
    """Writes the model, its labels and `encoders.toml`; answers the path of the last."""
    pytest.importorskip("onnxruntime", reason="birdml[onnx] is not installed")
    onnx = pytest.importorskip("onnx", reason="making a model needs the package onnx")
    helper, to_tensor = onnx.helper, onnx.numpy_helper.from_array
    first, second = weights()
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["sound", "first"], ["inner"]),
            helper.make_node("Abs", ["inner"], ["features"]),
            helper.make_node("MatMul", ["features", "second"], ["scores"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("sound", onnx.TensorProto.FLOAT, ["batch", SAMPLES])],
        [
            helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["batch", 4]),
            helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["batch", 3]),
        ],
        [to_tensor(first, "first"), to_tensor(second, "second")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.onnx").write_bytes(model.SerializeToString())
    (folder / "tiny.txt").write_text("".join(f"{label}\n" for label in LABELS))
    (folder / "tiny-licence.txt").write_text("Do as you like.\n")
    digests = {
        "sha256": hashlib.sha256((folder / "tiny.onnx").read_bytes()).hexdigest(),
        "labels_sha256": hashlib.sha256((folder / "tiny.txt").read_bytes()).hexdigest(),
    }
    (folder / "encoders.toml").write_text(ENTRY.format(**digests))
    return folder / "encoders.toml"
