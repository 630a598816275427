"""Embeddings on disk: what one encoder makes of many recordings, computed once for all heads.

A folder holds `embeddings.npy` (float16 [W, D]), `starts.npy` (int64 [W], first samples of the
windows at the encoder's rate), `index.csv` (how many windows of which recording, in order) and
`about.json` (which encoder, of what, the digest of the vectors). It is written as a whole, so that
its presence means that it is complete; who reads it maps it into memory.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from birdml.encoders.entries import Encoder
from birdml.errors import UserError
from birdml.files import csv_text, shown, write_text, writing_folder
from birdml.forms import read_table

VECTORS, STARTS, INDEX, ABOUT = "embeddings.npy", "starts.npy", "index.csv", "about.json"
COLUMNS = ("file", "windows", "problem")


class About(BaseModel):
    """What `about.json` holds."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    source: str  # the digest of the dataset, or of the files, that was listened to
    encoder: str
    title: str
    encoder_sha256: str
    weights_licence: str
    rate: int
    window: float
    hop: float
    scale: float
    dimension: int
    digest: str  # of the vectors


class EmbeddedPart(NamedTuple):
    """Some recordings: R of them, with W windows."""

    vectors: np.ndarray  # float16 [W, D]
    starts: np.ndarray  # int64 [W]
    counts: np.ndarray  # int64 [R]
    problems: tuple[str, ...]  # R times why a recording was not heard, or ''


@dataclass(frozen=True)
class Embeddings:
    """The embeddings of N recordings, opened for reading."""

    folder: Path
    about: About
    names: tuple[str, ...]  # of the recordings
    counts: np.ndarray  # int64 [N], windows of each
    problems: dict[str, str]  # recordings that could not be heard
    vectors: np.ndarray  # float16 [W, D], a memory map
    starts: np.ndarray  # int64 [W]

    @cached_property
    def first(self) -> np.ndarray:
        """Of recording i the windows first[i] : first[i + 1], int64 [N + 1]."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Name -> recording i."""
        return {name: row for row, name in enumerate(self.names)}

    def of(self, name: str) -> np.ndarray:
        """Embeddings of one recording, float16 [W, D]. Raises KeyError for another name."""
        row = self.row_of[name]
        return self.vectors[self.first[row] : self.first[row + 1]]

    def seconds(self) -> tuple[np.ndarray, np.ndarray]:
        """Beginnings and ends of all windows, float64 [W] each; a short recording ends before."""
        starts = self.starts / self.about.rate
        return starts, starts + self.about.window


def about_of(encoder: Encoder, source: str, digest: str = "") -> About:
    """What embeddings of a source by an encoder say of themselves."""
    return About(
        source=source,
        encoder=encoder.name,
        title=encoder.title,
        encoder_sha256=encoder.sha256,
        weights_licence=encoder.weights_licence,
        rate=encoder.rate,
        window=encoder.window,
        hop=encoder.hop,
        scale=encoder.scale,
        dimension=encoder.dimension,
        digest=digest,
    )


def open_embeddings(folder: Path, wanted: About, names: Sequence[str]) -> Embeddings | None:
    """The embeddings in a folder, if they are whole and those that are wanted, else None.

    The digest of `wanted` is not looked at.
    """
    with suppress(OSError, ValueError, UserError):
        about = About.model_validate_json((folder / ABOUT).read_bytes())
        rows = [row for _, row in read_table(folder / INDEX, COLUMNS, "compute them again")]
        counts = np.array([int(row["windows"]) for row in rows], np.int64)
        vectors = _mapped(folder / VECTORS)
        starts = _mapped(folder / STARTS)
        total = int(counts.sum())
        if (
            about.model_copy(update={"digest": ""}) == wanted.model_copy(update={"digest": ""})
            and [row["file"] for row in rows] == [shown(name) for name in names]
            and vectors.shape == (total, about.dimension)
            and vectors.dtype == np.float16
            and starts.shape == (total,)
            and starts.dtype == np.int64
        ):
            problems = {n: row["problem"] for n, row in zip(names, rows) if row["problem"]}
            return Embeddings(folder, about, tuple(names), counts, problems, vectors, starts)
    return None


def write_embeddings(
    folder: Path, about: About, names: Sequence[str], parts: Iterator[EmbeddedPart], windows: int
) -> None:
    """Writes parts one after the other, `windows` in all. Raises UserError where that can't be."""
    digest = hashlib.blake2b(digest_size=16)
    counts: list[int] = []
    problems: list[str] = []
    with writing_folder(folder) as beside:
        with open(beside / VECTORS, "wb") as vectors, open(beside / STARTS, "wb") as starts:
            _begin(vectors, np.float16, (windows, about.dimension))
            _begin(starts, np.int64, (windows,))
            for part in parts:
                content = np.ascontiguousarray(part.vectors, np.float16)
                digest.update(content.data)
                vectors.write(content.tobytes())
                starts.write(np.ascontiguousarray(part.starts, np.int64).tobytes())
                counts += part.counts.tolist()
                problems += part.problems
        rows = zip(map(shown, names), counts, problems, strict=True)
        write_text(beside / INDEX, csv_text(COLUMNS, rows))
        told = about.model_copy(update={"digest": digest.hexdigest()})
        write_text(beside / ABOUT, json.dumps(told.model_dump(), indent=1) + "\n")


def _begin(file: BinaryIO, kind: type, shape: tuple[int, ...]) -> None:
    """The header of an array whose values follow, row by row; a memory map of a new file would end
    the process where the disk is full."""
    described = {
        "descr": np.dtype(kind).str,
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(file, described)


def _mapped(path: Path) -> np.ndarray:
    """An array of numbers as a memory map; ValueError for anything else."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:
        return np.load(path, allow_pickle=False)  # an empty one can't be mapped
