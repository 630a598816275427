"""One recording: where its samples lie, what sings in it, when and where; and one species."""

from dataclasses import dataclass

SAMPLE_RATE = 22050
NOISE_TRAIN, NOISE_VALID = "noise_train", "noise_valid"  # recordings in which nothing sings
SPLITS = (
    *("train", "valid", "test", "soundscapes_val", "soundscapes_test"),
    *(NOISE_TRAIN, NOISE_VALID),
)
FIELDS = ("date", "time", "latitude", "longitude", "elevation")  # when and where


@dataclass(frozen=True, slots=True)
class Recording:
    """One row of `recordings.csv`.

    `file` is relative to the `audio/` folder of the dataset. Unknown text fields are empty,
    unknown numbers are None; `samples` is 0 where a dataset has no audio.
    """

    file: str
    split: str
    species: str = ""  # class id of the foreground species
    background: tuple[str, ...] = ()  # class ids
    media_id: str = ""
    edition: str = ""  # year of the challenge edition
    date: str = ""  # yyyy-mm-dd
    time: str = ""  # hh:mm
    latitude: float | None = None  # degrees
    longitude: float | None = None  # degrees
    elevation: float | None = None  # metres
    samples: int = 0  # at SAMPLE_RATE
    recordist: str = ""  # who recorded it, as the source says


@dataclass(frozen=True)
class Species:
    """One row of `species.csv`; its index in the label set is the label."""

    class_id: str
    latin_name: str = ""
    editions: tuple[str, ...] = ()
