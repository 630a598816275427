"""How much a TFLite graph computes, by the shapes of its layers."""

from pathlib import Path

import numpy as np


def gflop(path: Path, samples: int) -> float:
    """Operations (two for each multiplication with its addition) of convolutions and dense layers,
    in 1e9, for one window of so many samples."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(str(path), num_threads=1, experimental_op_resolver_type=plain)
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(source, [1, samples])
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, np.zeros((1, samples), np.float32))
    interpreter.invoke()  # some shapes are known only then
    shapes = {one["index"]: one["shape"] for one in interpreter.get_tensor_details()}
    total = 0
    for layer in interpreter._get_ops_details():
        if layer["op_name"] not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            continue
        weights, result = shapes[layer["inputs"][1]], shapes[layer["outputs"][0]]
        if layer["op_name"] == "CONV_2D":  # weights [out, height, width, in]
            total += 2 * int(np.prod(result)) * int(np.prod(weights[1:]))
        elif layer["op_name"] == "DEPTHWISE_CONV_2D":  # weights [1, height, width, channels]
            total += 2 * int(np.prod(result)) * int(np.prod(weights[1:3]))
        else:  # dense, weights [out, in]
            total += 2 * int(np.prod(result)) * int(weights[-1])
    return total / 1e9
