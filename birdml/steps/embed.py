"""`embed`: the embeddings of a dataset or of any audio files, for heads and other programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from birdml.dataset.opening import open_dataset
from birdml.encoders.compute import embed_dataset, embed_files
from birdml.encoders.embeddings import Embeddings
from birdml.encoders.entries import Encoder, find_encoder
from birdml.errors import UserError
from birdml.files import csv_text, shown, write_text, writing
from birdml.prediction.sources import find_audio

if TYPE_CHECKING:
    from birdml.dataset.prepared import Dataset

SUFFIXES = (".parquet", ".npy")
ROWS = 1 << 13  # windows in a row group: bounds the memory
NAMED = 10  # faulty files named in the terminal


@dataclass(frozen=True)
class EmbedOptions:
    """What a user asks of `embed` (see `embed --help`)."""

    dataset: str = "data/demo"
    recordings: str = ""
    encoder: str = "birdnet24"
    encoders: str = ""
    out: str = ""
    jobs: int = 1


def embed(options: EmbedOptions) -> Embeddings:
    """Computes what is missing, writes it to `out` if asked, and says where it lies.

    Raises UserError for a request that can't be met, before anything is computed, and where no
    file at all could be read.
    """
    encoder = find_encoder(options.encoder, options.encoders)
    out = Path(options.out) if options.out else None
    if out is None and options.recordings:
        raise UserError("say where to write: -P out=FILE.parquet, or FILE.npy")
    if out is not None and out.suffix not in SUFFIXES:
        raise UserError(f"out='{out}': its name must end in {' or '.join(SUFFIXES)}")
    embeddings, _ = embeddings_of(encoder, options.dataset, options.recordings, options.jobs)
    if out is not None:
        export(embeddings, out)
    print(
        f"{len(embeddings.names) - len(embeddings.problems)} recordings, {len(embeddings.vectors)} "
        f"windows of {encoder.title} ({encoder.weights_licence}): {out or embeddings.folder}"
    )
    return embeddings


def embeddings_of(
    encoder: Encoder, dataset: str, recordings: str, jobs: int
) -> "tuple[Embeddings, Dataset | None]":
    """Embeddings of a dataset, or of audio files where some are named; says what was left out.

    Raises UserError where no file at all could be read.
    """
    if not recordings:
        opened = open_dataset(dataset)
        return embed_dataset(opened, encoder, jobs), opened

    files, unreadable = find_audio(recordings)
    embeddings = embed_files(files, encoder, jobs)
    problems = {**unreadable, **embeddings.problems}
    for name, why in list(problems.items())[:NAMED]:
        print(f"left out: {shown(name)} ({why})")
    if len(problems) > NAMED:
        print(f"and {len(problems) - NAMED} more")
    if not len(embeddings.vectors):
        raise UserError(f"none of the {len(files)} files could be read as audio")
    return embeddings, None


def export(embeddings: Embeddings, out: Path) -> None:
    """Writes embeddings as one table (`.parquet`), or as an array with a table of its rows (`.npy`
    and `.csv`). Raises UserError where that can't be."""
    if out.suffix == ".parquet":
        _write_parquet(embeddings, out)
        return
    rows = (
        (name, f"{start:.3f}", f"{end:.3f}")
        for some in _rows(embeddings)
        for name, start, end in zip(*some)
    )
    write_text(out.with_suffix(".csv"), csv_text(("file", "start", "end"), rows))
    with writing(out) as file:
        np.save(file, embeddings.vectors)


def _write_parquet(embeddings: Embeddings, out: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    about = embeddings.about
    vector = pyarrow.list_(pyarrow.float32(), about.dimension)
    columns = {"file": pyarrow.string(), "start": pyarrow.float64(), "end": pyarrow.float64()}
    told = {key: str(value) for key, value in about.model_dump().items()}
    schema = pyarrow.schema({**columns, "embedding": vector}, metadata=told)
    with writing(out) as file, pyarrow.parquet.ParquetWriter(file, schema) as table:
        at = 0
        for names, starts, ends in _rows(embeddings):
            values = np.asarray(embeddings.vectors[at : at + len(names)], np.float32)
            vectors = pyarrow.FixedSizeListArray.from_arrays(values.reshape(-1), about.dimension)
            table.write_table(pyarrow.table([names, starts, ends, vectors], schema=schema))
            at += len(names)


def _rows(embeddings: Embeddings) -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
    """Files, beginnings and ends of some windows at a time."""
    starts, ends = embeddings.seconds()
    owners = np.repeat(np.arange(len(embeddings.names)), embeddings.counts)
    for at in range(0, len(owners), ROWS):
        some = slice(at, at + ROWS)
        yield [shown(embeddings.names[i]) for i in owners[some]], starts[some], ends[some]
