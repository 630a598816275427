"""Encoders in TFLite files, run by LiteRT (ai-edge-litert).

The embedding is the input of the last dense layer. Reading a tensor in the middle of a graph is
undefined in LiteRT: its memory may be used again. So the graph gets one more output, in memory.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from birdml.encoders.entries import Encoder
from birdml.encoders.weights import missing_extra
from birdml.errors import UserError


class OutputLayer(NamedTuple):
    """The last dense layer: logits = embeddings @ weights.T + bias."""

    weights: np.ndarray  # float32 [L, D]
    bias: np.ndarray  # float32 [L]


def open_tflite(encoder: Encoder, path: Path) -> Callable[[], Callable]:
    """Opens a file; answers a function that starts a session.

    A session takes a window float32 [S] and gives its embedding [D] and logits [L]. Sessions share
    nothing, so each thread can have one. Raises UserError where LiteRT is not installed, or the
    file holds no such graph.
    """
    content = _with_embedding(encoder, path)
    from ai_edge_litert.interpreter import Interpreter

    def start() -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
        interpreter = Interpreter(model_content=content, num_threads=1)
        source = interpreter.get_input_details()[0]["index"]
        # a window at a time: as fast as batches, and no result depends on its neighbours
        interpreter.resize_tensor_input(source, [1, encoder.samples])
        interpreter.allocate_tensors()
        logits, embedding = (found["index"] for found in interpreter.get_output_details())

        def run(window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            interpreter.set_tensor(source, window[None])
            interpreter.invoke()
            return interpreter.get_tensor(embedding)[0], interpreter.get_tensor(logits)[0]

        return run

    return start


def output_layer(encoder: Encoder, path: Path) -> OutputLayer:
    """The last dense layer of a file. Raises UserError as `open_tflite` does."""
    schema, model = _read(encoder, path)
    graph, dense = _last_dense(encoder, path, schema, model)

    def values(index: int) -> np.ndarray:
        tensor = graph.tensors[index]
        if tensor.type != schema.TensorType.FLOAT32:
            raise UserError(f"encoder '{encoder.name}': '{path}' does not hold float32 weights")
        content = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
        return content.view(np.float32).reshape(tensor.shape)

    return OutputLayer(values(dense.inputs[1]), values(dense.inputs[2]))


def _read(encoder: Encoder, path: Path) -> tuple[Any, Any]:
    """LiteRT's classes of the TFLite format, and a file as objects of them."""
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError:
        raise missing_extra(encoder, "ai-edge-litert") from None
    return schema, schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)


def _last_dense(encoder: Encoder, path: Path, schema: Any, model: Any) -> tuple[Any, Any]:
    """The graph, and the dense layer that gives its output."""
    (graph,) = model.subgraphs
    for operator in reversed(graph.operators):
        code = model.operatorCodes[operator.opcodeIndex]
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)  # the latter in older files
        if kind == schema.BuiltinOperator.FULLY_CONNECTED:
            shape = graph.tensors[operator.inputs[0]].shape
            if shape[-1] == encoder.dimension:
                return graph, operator
            raise UserError(
                f"encoder '{encoder.name}': the embedding in '{path}' has {shape[-1]} values, not "
                f"{encoder.dimension}: mend its dimension"
            )
    raise UserError(f"encoder '{encoder.name}': '{path}' has no dense layer to take the input of")


def _with_embedding(encoder: Encoder, path: Path) -> bytes:
    """A file whose graph gives the logits, then the embedding."""
    schema, model = _read(encoder, path)
    import flatbuffers

    graph, dense = _last_dense(encoder, path, schema, model)
    graph.outputs = np.array([graph.outputs[0], dense.inputs[0]], np.int32)
    builder = flatbuffers.Builder(path.stat().st_size + (1 << 16))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
