"""Opening a dataset: one that `prepare` made, or a folder of the 2018 system as it is."""

from pathlib import Path

from birdml.dataset import prepared
from birdml.dataset.prepared import Dataset
from birdml.dataset.sources import prepared2018
from birdml.errors import UserError


def open_dataset(folder: str | Path) -> Dataset:
    """Opens a prepared dataset, or a folder prepared for the 2018 system as it is.

    Raises UserError where the folder is missing, is no prepared dataset, or holds no recordings.
    """
    folder = Path(folder)
    if (folder / "dataset.toml").is_file():
        return prepared.open_dataset(folder)
    if prepared2018.recognise(folder):
        return prepared2018.open_as_is(folder)
    what = "has no dataset.toml" if folder.is_dir() else "does not exist"
    raise UserError(
        f"no prepared dataset at '{folder}': it {what}; "
        "make one with `prepare`, or name another with -P dataset=FOLDER"
    )
