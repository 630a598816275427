"""Encoders in ONNX files of the user's, run by onnxruntime."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from birdml.encoders.entries import Encoder
from birdml.encoders.weights import missing_extra
from birdml.errors import UserError


def open_onnx(encoder: Encoder, path: Path) -> Callable[[], Callable]:
    """Opens a file; answers a function that starts a session (all share one, which may be used by
    several threads).

    A session takes a window float32 [S] and gives its embedding [D], and logits [L] or None. The
    model takes samples as [1, S], or with more dimensions of one. Raises UserError where
    onnxruntime is not installed, or the file holds no such model.
    """
    try:
        import onnxruntime
    except ImportError:
        raise missing_extra(encoder, "onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has a class for each of its states, without a base
        said = str(error).splitlines()[0][:200]
        raise UserError(f"encoder '{encoder.name}': '{path}' is no ONNX model ({said})") from None
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise UserError(
            f"encoder '{encoder.name}': '{path}' takes {len(inputs)} inputs, not the samples alone"
        )
    names = [name for name in (encoder.embedding, encoder.logits) if name]
    there = [output.name for output in session.get_outputs()]
    if absent := [name for name in names if name not in there]:
        raise UserError(
            f"encoder '{encoder.name}': '{path}' has no output {', '.join(absent)}; "
            f"it has {', '.join(there)}"
        )
    shape = _shape(encoder, path, inputs[0].shape)

    def run(window: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        found = session.run(names, {inputs[0].name: window.reshape(shape)})
        if found[0].size != encoder.dimension:
            raise UserError(
                f"encoder '{encoder.name}': output {names[0]} has the shape {found[0].shape}, not "
                f"{encoder.dimension} values for a window: mend its dimension, or its embedding"
            )
        embedding, *logits = (values.reshape(-1).astype(np.float32) for values in found)
        return embedding, logits[0] if logits else None

    return lambda: run


def _shape(encoder: Encoder, path: Path, asked: list[int | str | None]) -> tuple[int, ...]:
    """[1, ..., S] with as many dimensions as the model asks for."""
    shape = (1,) * (len(asked) - 1) + (encoder.samples,)
    fits = all(not isinstance(a, int) or a in (b, -1) for a, b in zip(asked, shape))
    if not asked or not fits:
        raise UserError(
            f"encoder '{encoder.name}': '{path}' takes samples as {asked}, not {list(shape)}: "
            "mend its rate and window"
        )
    return shape
