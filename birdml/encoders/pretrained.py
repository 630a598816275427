"""An encoder that is ready to run."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from birdml.encoders.entries import Encoder
from birdml.encoders.litert import OutputLayer, open_tflite, output_layer
from birdml.encoders.onnx_file import open_onnx
from birdml.encoders.weights import read_labels, show_licence, weights_file
from birdml.encoders.windows import Samples, blocks_of, stream_windows
from birdml.errors import UserError

Session = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]
OPEN = {"litert": open_tflite, "onnx": open_onnx}


class Encoded(NamedTuple):
    """What an encoder makes of W windows."""

    embeddings: np.ndarray  # float32 [W, D]
    logits: np.ndarray | None  # float32 [W, L], where the encoder has labels


@dataclass(frozen=True)
class Pretrained:
    """An encoder whose files are there and are the right ones.

    `start` gives a session: a window float32 [S] -> its embedding [D] and logits [L] or None. Each
    thread has a session of its own.
    """

    encoder: Encoder
    labels: tuple[str, ...]
    start: Callable[[], Session]

    def encode(self, windows: np.ndarray) -> Encoded:
        """Embeddings and logits of windows float32 [W, S], samples of -1..1 at the encoder's rate.

        A window's result depends on nothing but the window.
        """
        return encode(self.encoder, self.start(), windows)


def open_encoder(encoder: Encoder) -> Pretrained:
    """Opens an encoder, and shows the licence of its weights when that is the first time.

    Raises UserError where a package is not installed, or a file is not there or another one.
    """
    path = weights_file(encoder)
    labels = read_labels(encoder)
    start = OPEN[encoder.runtime](encoder, path)
    show_licence(encoder)
    return Pretrained(encoder, labels, start)


def own_output_layer(encoder: Encoder) -> OutputLayer | None:
    """The encoder's own last layer, from embeddings to its logits; None where its runtime does not
    tell. Raises UserError as `open_encoder` does."""
    if encoder.runtime != "litert":
        return None
    return output_layer(encoder, weights_file(encoder))


def encode(encoder: Encoder, session: Session, windows: np.ndarray) -> Encoded:
    """What a session makes of windows float32 [W, S], samples of -1..1."""
    windows = np.ascontiguousarray(windows, np.float32)
    if windows.ndim != 2 or windows.shape[1] != encoder.samples:
        raise ValueError(f"windows of {encoder.samples} samples expected: {windows.shape}")
    if encoder.scale != 1:
        windows = windows * np.float32(encoder.scale)
    results: Sequence = [session(window) for window in windows]
    embeddings = np.array([found for found, _ in results], np.float32)
    if not np.isfinite(embeddings).all():
        raise UserError(f"encoder '{encoder.name}' gives values that are no finite numbers")
    logits = [own for _, own in results if own is not None]
    return Encoded(
        embeddings.reshape(-1, encoder.dimension),
        np.array(logits, np.float32) if logits else None,
    )


_sessions = threading.local()


def session_of(encoder: Encoder) -> Session:
    """A session of this thread, opened at its first use. Raises UserError as `open_encoder`."""
    open_: dict[Encoder, Session] = vars(_sessions).setdefault("open", {})
    if encoder not in open_:
        open_[encoder] = open_encoder(encoder).start()
    return open_[encoder]


def hear_samples(encoder: Encoder, samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings float32 [W, D] of a recording int16 [S], and the first samples of its windows at
    the encoder's rate, int64 [W].

    In half precision, as embeddings on disk are, so that both ways give the same. Raises UserError
    for a recording without samples, and as `open_encoder` does.
    """
    if not len(samples):
        raise UserError("the recording holds no samples")
    content = hashlib.blake2b(digest_size=16)
    for block in blocks_of(samples):
        content.update(np.ascontiguousarray(block).data)
    key, last = (encoder, content.digest()), vars(_sessions).get("last")
    if last is not None and last[0] == key:  # another head has just heard it
        return last[1]
    session = session_of(encoder)
    starts, vectors = [], []
    for start, window in stream_windows(blocks_of(samples), encoder):
        vectors.append(encode(encoder, session, window[None]).embeddings[0].astype(np.float16))
        starts.append(start)
    result = np.array(vectors, np.float32), np.array(starts, np.int64)
    vars(_sessions)["last"] = key, result
    return result
