"""Selection tables of Raven: one for each recording, and one for all of them.

The latter opens together with its sounds, which its columns Begin Path and File Offset name: its
times go on from file to file, in the order of the table.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from birdml.calibration.events import Event
from birdml.files import writing
from birdml.prediction.tables.rows import (
    MOST_BYTES,
    Made,
    NamedRecording,
    Part,
    TooLarge,
    latin_name,
)

HEADER: tuple[str, ...] = ("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)")
HEADER += ("Low Freq (Hz)", "High Freq (Hz)", "Begin File", "Species", "Class", "Score", "Rank")
HEADER += ("Common Name", "Begin Path", "File Offset (s)")
WHOLE = "predictions.selections.txt"
BEGIN, END = HEADER.index("Begin Time (s)"), HEADER.index("End Time (s)")


def place(name: str, date: str, site: str | None = None) -> str:
    return f"{name}.selections.txt"


def content(detections: Sequence[Event], sound: NamedRecording, made: Made) -> bytes:
    rows = [_line(HEADER)]
    # the whole band of the file: models tell when, not at which pitch
    band = ("0.0", f"{sound.highest:.1f}")
    for number, d in enumerate(detections, 1):
        one = made.species[d.label]
        times = (f"{d.start:.3f}", f"{d.end:.3f}")
        names = (Path(sound.file).name, latin_name(one), one.class_id)
        where = (made.common_name(d.label), sound.path, f"{d.start:.3f}")
        figures = (f"{d.score:.4f}", str(d.rank))
        rows.append(
            _line((str(number), "Spectrogram 1", "1", *times, *band, *names, *figures, *where))
        )
    return "".join(rows).encode("utf-8", errors="backslashreplace")


def join(out: Path, parts: Sequence[Part]) -> None:
    try:
        _join(out, parts)
    except TooLarge:
        (out / WHOLE).unlink(missing_ok=True)
        raise


def _join(out: Path, parts: Sequence[Part]) -> None:
    with writing(out / WHOLE) as whole:
        whole.write(_line(HEADER).encode())
        number, before = 0, 0.0
        for part in parts:
            for cells in _rows(out / place(part.name, "")):
                number += 1
                cells[0] = str(number)
                cells[BEGIN] = f"{float(cells[BEGIN]) + before:.3f}"
                cells[END] = f"{float(cells[END]) + before:.3f}"
                whole.write(_line(cells).encode())
            before += part.seconds
            if whole.tell() > MOST_BYTES:
                raise TooLarge


def _rows(table: Path) -> Iterator[list[str]]:
    with suppress(FileNotFoundError), open(table, encoding="utf-8", newline="\n") as lines:
        next(lines, None)
        for line in lines:
            yield line.rstrip("\n").split("\t")


def _line(cells: Sequence[str]) -> str:
    """Cells on one line: a tab or line end within one would make two of it."""
    return "\t".join("".join(c if c.isprintable() else " " for c in cell) for cell in cells) + "\n"
