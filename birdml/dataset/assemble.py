"""From raw recordings to rows of `recordings.csv`: each once, repaired.

Every function lists in `problems` what it leaves out or changes.
"""

import unicodedata
from collections.abc import Sequence

from birdml.dataset import repair
from birdml.dataset.audio import Converted
from birdml.dataset.labels import Vocabulary, class_id_of
from birdml.dataset.problems import Problem
from birdml.dataset.raw import FOR_TRAINING, RawRecording
from birdml.dataset.reading import EACH_BY_ITSELF, ValueReading
from birdml.dataset.recording import Recording


def named_once(recordings: Sequence[RawRecording], problems: list[Problem]) -> list[RawRecording]:
    """Gives recordings that share a name names of their own, also on disks that ignore case."""
    taken: dict[str, int] = {}
    for recording in sorted(recordings, key=lambda r: (r.file, r.origin)):
        key = recording.file.casefold()
        taken[key] = taken.get(key, 0) + 1
        if taken[key] > 1:
            old = recording.file
            base = old.removesuffix(".wav")
            while recording.file.casefold() in taken:
                recording.file = f"{base}~{taken[key]}{old[len(base) :]}"
                taken[key] += 1
            taken[recording.file.casefold()] = 1
            problems.append(
                Problem(recording.origin, "file", old, f"named {recording.file}: the name is taken")
            )
    return sorted(recordings, key=lambda r: r.file)


def usable(
    recordings: Sequence[RawRecording],
    converted: dict[str, Converted],
    problems: list[Problem],
) -> list[RawRecording]:
    """The recordings that there is sound for; what was noticed about the others is listed."""
    for recording in recordings:
        for remark in converted[recording.file].remarks:
            problems.append(Problem(sound_name(recording), "audio", "", remark))
    return [r for r in recordings if converted[r.file].wav_hash]


def sound_name(recording: RawRecording) -> str:
    """How problems.csv calls the audio of a recording."""
    return recording.audio_name or recording.origin


def each_sound_once(
    recordings: Sequence[RawRecording],
    converted: dict[str, Converted],
    listed: frozenset[str] | None,
    problems: list[Problem],
) -> list[RawRecording]:
    """Keeps one of all training recordings with equal samples: a listed one, or the first."""

    def in_valid(recording: RawRecording) -> bool:
        return recording.split == "valid" or recording.file in (listed or ())

    first: dict[str, RawRecording] = {}
    kept = []
    for recording in sorted(recordings, key=lambda r: (not in_valid(r), r.file)):
        if recording.split not in FOR_TRAINING:
            kept.append(recording)
            continue
        same = first.setdefault(converted[recording.file].wav_hash, recording)
        if same is recording:
            kept.append(recording)
            continue
        other = class_id_of(recording)
        also = "" if other == class_id_of(same) else f", which is labelled {class_id_of(same)}"
        problems.append(
            Problem(
                sound_name(recording),
                "audio",
                other if also else "",
                f"left out: the same sound as {same.file}{also}",
            )
        )
    return sorted(kept, key=lambda r: r.file)


def finish(
    raw: RawRecording,
    split: str,
    vocabulary: Vocabulary,
    samples: int,
    problems: list[Problem],
    reading: ValueReading = EACH_BY_ITSELF,
) -> Recording:
    """A row of recordings.csv, with its metadata repaired."""
    values: dict[str, str | float | None] = {}
    for field, text in raw.fields.items():
        if not text.strip():
            continue
        value = values[field] = reading.value(field, text)
        if value == repair.UNSET_DATE and field == "date" and reading.by_column:
            values[field] = None
            what = "left empty: the date of a clock that was never set"
            problems.append(Problem(raw.origin, field, text, what))
        elif value is None:
            unknown = repair.says_nothing(text)
            why = "it says that it is unknown" if unknown else "nothing can be made of it"
            problems.append(Problem(raw.origin, field, text, f"left empty: {why}"))
        elif not repair.is_plain(field, text.strip(), value):
            problems.append(Problem(raw.origin, field, text, f"read as {value}"))
    if reading.by_column and values.get("latitude") == 0 == values.get("longitude"):
        values["latitude"] = values["longitude"] = None
        what = "left empty: 0, 0 stands for no place"
        problems.append(Problem(raw.origin, "latitude", "0, 0", what))
    background, unknown_names = vocabulary.background(raw)
    for name in unknown_names:
        problems.append(Problem(raw.origin, "background", name, "left out: not in the label set"))
    species = class_id_of(raw)
    if species and species not in vocabulary.class_ids:
        problems.append(Problem(raw.origin, "species", species, "left out: not in the label set"))
        species = ""
    return Recording(
        file=raw.file,
        split=split,
        species=species,
        background=background,
        media_id=raw.media_id,
        edition=raw.edition,
        samples=samples,
        recordist=" ".join(unicodedata.normalize("NFC", raw.recordist).split()),
        **{"date": "", "time": ""}
        | {field: value for field, value in values.items() if value is not None},  # type: ignore
    )
