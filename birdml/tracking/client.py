"""The client of a store: each request in one piece, and tried again while the store is away."""

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from birdml.tracking.faults import disk_in_words
from birdml.tracking.interrupts import in_one_piece
from birdml.tracking.retry import retry

if TYPE_CHECKING:
    from mlflow import MlflowClient


def client_of(uri: str) -> "MlflowClient":
    """A client of the store at `uri`.

    Where a server is away, or a database locked, its requests wait as `retry` does, but in blocks
    that say `at_once`. A server finishes what it was asked by itself; a request to a database that
    this process opens is not interrupted. UserError where files can't be written.
    """
    import mlflow

    served = uri.startswith(("http://", "https://"))
    whole = contextlib.nullcontext if served else in_one_piece

    class Client(mlflow.MlflowClient):
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name.startswith("_") or not callable(value):
                return value

            @functools.wraps(value)
            def request(*args: Any, **kwargs: Any) -> Any:
                with whole(), disk_in_words(uri):
                    return value(*args, **kwargs)

            @functools.wraps(value)
            def patient(*args: Any, **kwargs: Any) -> Any:
                return retry(lambda: request(*args, **kwargs))

            return patient

    return Client(uri)
