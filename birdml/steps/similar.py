"""`similar`: search by example, the windows of many recordings that sound like a clip."""

from dataclasses import dataclass
from pathlib import Path

from birdml.encoders.entries import find_encoder
from birdml.encoders.pretrained import open_encoder
from birdml.encoders.similar import nearest
from birdml.encoders.sounds import hear
from birdml.errors import UserError
from birdml.files import csv_text, shown, write_text
from birdml.screen import table_text
from birdml.steps.embed import embeddings_of

HEADER = ("rank", "file", "start", "end", "similarity", "at", "species", "latin_name")
SHOWN = 10  # windows in the terminal


@dataclass(frozen=True)
class SimilarOptions:
    """What a user asks of `similar` (see `similar --help`)."""

    to: str
    dataset: str = "data/demo"
    recordings: str = ""
    encoder: str = "birdnet24"
    encoders: str = ""
    top: int = 100
    out: str = "similar.csv"
    jobs: int = 1


def similar(options: SimilarOptions) -> list[tuple]:
    """Writes the nearest windows to `out`, and prints the first; rows as in HEADER.

    Raises UserError for a request that can't be met, or a clip that can't be read.
    """
    encoder = find_encoder(options.encoder, options.encoders)
    clip = Path(options.to)
    if not clip.is_file():
        raise UserError(f"to='{clip}': there is no such file; name an audio file")
    queries, begins = hear(open_encoder(encoder), clip)
    embeddings, dataset = embeddings_of(encoder, options.dataset, options.recordings, options.jobs)
    windows, cosines, which = nearest(embeddings.vectors, queries, options.top)
    owners = embeddings.first[1:].searchsorted(windows, side="right")
    starts, ends = embeddings.seconds()
    species = {r.file: r.species for r in dataset.recordings} if dataset else {}
    latin = {s.class_id: s.latin_name for s in dataset.species} if dataset else {}
    rows = []
    for rank, (window, owner) in enumerate(zip(windows, owners), 1):
        name = embeddings.names[owner]
        class_id = species.get(name, "")
        times = (f"{starts[window]:.2f}", f"{ends[window]:.2f}")
        at = f"{begins[which[rank - 1]]:.2f}"  # where in the clip it sounds like that
        cosine = f"{cosines[rank - 1]:.4f}"
        rows.append((rank, shown(name), *times, cosine, at, class_id, latin.get(class_id, "")))
    write_text(Path(options.out), csv_text(HEADER, rows))
    if rows:
        first = [
            (rank, file, f"{start}-{end} s", cosine, latin_name or class_id)
            for rank, file, start, end, cosine, _, class_id, latin_name in rows[:SHOWN]
        ]
        print(table_text(None, first, "><>><"))
    print(f"{len(rows)} of {len(embeddings.vectors)} windows ({encoder.title}): {options.out}")
    return rows
