"""A folder prepared for the 2018 system: `audio/`, `filelists/` and `labels/`.

Its WAV files are taken as they are. `filelists/<split>` holds names relative to `audio/`; below
`labels/`, `fg.tsv`, `bg.tsv` and `meta.tsv` hold one line per name, `labelset` the class ids.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from birdml.dataset.assemble import finish
from birdml.dataset.labels import Vocabulary
from birdml.dataset.paths import contained
from birdml.dataset.prepared import Dataset
from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording, Source
from birdml.dataset.recording import FIELDS, SAMPLE_RATE, SPLITS, Species
from birdml.dataset.sources.birdclef2018 import NUMBER, YEAR
from birdml.dataset.wav_files import wav_samples
from birdml.dataset.writing import dataset_digest
from birdml.errors import UserError

EDITIONS = ("2014", "2015", "2017")


def recognise(folder: Path) -> str | None:
    """Why a folder is taken for this layout, or None."""
    if (folder / "filelists").is_dir() and (folder / "labels" / "labelset").is_file():
        return "it has filelists/ and labels/labelset, as the 2018 system makes them"
    return None


def read(folder: Path) -> Source:
    """All recordings of all file lists. Raises UserError where the label set is missing."""
    labels = folder / "labels"
    class_ids = _lines(labels / "labelset")
    if not class_ids:
        raise UserError(f"'{labels / 'labelset'}' is missing or empty: no 2018 dataset")
    latin = _lines(labels / "labelset_latin") or [""] * len(class_ids)
    editions = {edition: set(_lines(labels / f"labelset_{edition}")) for edition in EDITIONS}
    species = tuple(
        Species(class_id, name, tuple(e for e in EDITIONS if class_id in editions[e]))
        for class_id, name in zip(class_ids, latin)
    )
    problems: list[Problem] = []
    foreground = dict(_rows(labels / "fg.tsv"))
    background = dict(_rows(labels / "bg.tsv"))
    metadata = dict(_rows(labels / "meta.tsv"))
    has_audio = (folder / "audio").is_dir()
    recordings = []
    for split in SPLITS:
        for name in _lines(folder / "filelists" / split):
            if contained(name) is None:
                what = "left out: the name leads out of audio/, or can't be one"
                problems.append(Problem(name, "file", "", what))
                continue
            own = [_class(text, class_ids) for text in foreground.get(name, [])[:1]]
            if split in ("train", "valid") and not any(own):
                problems.append(Problem(name, "species", "", "left out: no label"))
                continue
            audio = folder / "audio" / name
            stem = Path(name).stem
            number = NUMBER.search(stem)
            others = (background.get(name) or [""])[0].split(",")
            recordings.append(
                RawRecording(
                    file=name,
                    origin=name,
                    audio=audio if has_audio else None,
                    split=split,
                    class_id=own[0] if own else "",
                    background=tuple(c for text in others if (c := _class(text, class_ids))),
                    fields=dict(zip(FIELDS, metadata.get(name, []))),
                    media_id=number[1] if number else "",
                    edition=stem[8:12] if YEAR.fullmatch(stem[8:12]) else "",
                    keep_broken=split not in ("train", "valid"),
                )
            )
    return Source("prepared2018", recordings, problems, species, prepared=True)


def open_as_is(folder: Path) -> Dataset:
    """Opens such a folder as a dataset, without writing anything.

    Its digest covers the lists and labels, not the audio. Raises UserError where a WAV file is
    missing or no mono 16-bit one at SAMPLE_RATE.
    """
    source = read(folder)
    vocabulary = Vocabulary([], source.species)
    recordings = []
    for raw in source.recordings:
        samples = wav_samples(raw.audio) if raw.audio else 0
        if samples is None:
            raise UserError(
                f"'{raw.audio}' is no mono 16-bit WAV file at {SAMPLE_RATE} Hz; import the folder "
                f"with prepare -P source={folder}"
            )
        recordings.append(finish(raw, raw.split, vocabulary, samples, source.problems))
    if not recordings:
        raise UserError(f"the file lists of '{folder}' name no recordings")
    digest = dataset_digest(source.species, recordings, {})
    return Dataset(folder, folder.resolve().name, digest, source.species, tuple(recordings))


def _class(text: str, class_ids: list[str]) -> str:
    """A label as text -> its class id; '' where it is none."""
    text = text.strip()
    return class_ids[int(text)] if text.isdecimal() and int(text) < len(class_ids) else ""


def _lines(path: Path) -> list[str]:
    """Lines of a file; none where it does not exist."""
    try:
        return re.split(r"\r\n|\r|\n", path.read_text(encoding="utf-8").rstrip("\r\n"))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"cannot read '{path}': {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(
            f"'{path}' is no UTF-8: it is no list or label of the 2018 system"
        ) from None


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    for line in _lines(path):
        name, *values = line.split("\t")
        yield name, values
