"""One reader per layout of raw recordings, and which of them a source asks for."""

from collections.abc import Callable
from pathlib import Path

from birdml.dataset.raw import Source
from birdml.dataset.sources import birdclef2018, folders, prepared2018, table, xeno_canto
from birdml.errors import UserError

LAYOUTS = ("prepared2018", "birdclef2018", "xeno-canto", "kaggle", "folders")
RECOGNISERS: dict[str, Callable[[Path], str | None]] = {
    "prepared2018": prepared2018.recognise,
    "birdclef2018": birdclef2018.recognise,
    "xeno-canto": xeno_canto.recognise,
    "folders": folders.recognise,
}


def recognise(source: Path, columns: str = "") -> tuple[str, str]:
    """The layout of a source, and why it is taken for it; the first of LAYOUTS that fits.

    Raises UserError where none does, with what its tables lack.
    """
    if not source.exists():
        raise UserError(f"there is no source '{source}'; name a folder or file with -P source=...")
    lacking: list[str] = []
    for layout in LAYOUTS:
        if source.is_file() and layout not in ("xeno-canto", "kaggle"):
            continue
        if layout == "kaggle":
            reason, lacking = table.recognise(source, columns)
            if not reason and columns:
                raise UserError(
                    f"no table of '{source}' has the columns that were named: {'; '.join(lacking)}"
                    if lacking
                    else f"columns were named, but there is no table in '{source}'"
                )
        else:
            reason = RECOGNISERS[layout](source)
        if reason:
            return layout, reason
    tables = f"; tables looked at: {'; '.join(lacking)[:2000]}" if lacking else ""
    raise UserError(
        f"'{source}' is no known layout ({', '.join(LAYOUTS)}){tables}; docs/datasets.md shows "
        "what each looks like"
    )


def read(source: Path, layout: str, audio: Path | None, columns: str) -> Source:
    """Everything that a source of the given layout holds."""
    if not source.exists():
        raise UserError(f"there is no source '{source}'; name a folder or file with -P source=...")
    if layout == "xeno-canto":
        return xeno_canto.read(source, audio)
    if layout == "kaggle":
        return table.read(source, audio, columns)
    readers = {"birdclef2018": birdclef2018, "prepared2018": prepared2018, "folders": folders}
    return readers[layout].read(source)


def demo_folder(dataset: Path, seed: int) -> Path:
    """The built-in raw recordings, generated once beside the dataset that is made of them."""
    from birdml.dataset.sources import demo

    folder = dataset.with_name(f"{dataset.name}-raw-{seed}")
    if not folder.is_dir():
        demo.generate(folder, seed=seed)
    return folder
