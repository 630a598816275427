"""From raw recordings to rows of `recordings.csv`: each once, divided, repaired.

Every function lists in `problems` what it leaves out or changes.
"""

from collections.abc import Sequence

from birdml.dataset import repair
from birdml.dataset.audio import Converted
from birdml.dataset.labels import Vocabulary, class_id_of, stem
from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording
from birdml.dataset.recording import Recording
from birdml.dataset.split import choose_valid, groups
from birdml.errors import UserError

FOR_TRAINING = ("", "train", "valid")


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
        return recording.split == "valid" or stem(recording.file) in (listed or ())

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


def divide(
    recordings: Sequence[RawRecording],
    fraction: float,
    listed: frozenset[str] | None,
    seed: int,
    problems: list[Problem],
) -> dict[str, str]:
    """Name -> split."""
    split = {r.file: r.split for r in recordings}
    free = [r for r in recordings if not r.split]
    if listed is not None:
        found = {stem(r.file) for r in free} & listed
        if not found:
            raise UserError("none of the recordings listed as validation is in the source")
        for name in sorted(listed - found):
            problems.append(Problem(name, "split", "valid", "left out: listed, but not there"))
        return split | {r.file: "valid" if stem(r.file) in listed else "train" for r in free}
    group = groups([group_keys(r) for r in free])
    valid, without = choose_valid(
        [r.file for r in free], [class_id_of(r) for r in free], group, fraction, seed
    )
    if fraction:
        for class_id in without:
            problems.append(
                Problem(class_id, "split", "", "all in train: too few independent recordings")
            )
    return split | {r.file: "valid" if i in valid else "train" for i, r in enumerate(free)}


def group_keys(recording: RawRecording) -> list[tuple]:
    """What a recording must not share with one of the other split."""
    who = " ".join(recording.recordist.casefold().split())
    fields = recording.fields
    where = " ".join(recording.place.casefold().split())
    at = (
        repair.latitude(fields.get("latitude", "")),
        repair.longitude(fields.get("longitude", "")),
    )
    day = repair.date(fields.get("date", "")) or ""
    keys: list[tuple] = []
    if who and where:
        keys.append((who, where, day))
    if who and None not in at:
        keys.append((who, *at, day))
    if who and day and not keys:
        keys.append((who, day))
    return keys


def finish(
    raw: RawRecording,
    split: str,
    vocabulary: Vocabulary,
    samples: int,
    problems: list[Problem],
) -> Recording:
    """A row of recordings.csv, with its metadata repaired."""
    values: dict[str, str | float | None] = {}
    for field, text in raw.fields.items():
        if not text.strip():
            continue
        value = values[field] = repair.REPAIRS[field](text)
        if value is None:
            unknown = repair.says_nothing(text)
            why = "it says that it is unknown" if unknown else "nothing can be made of it"
            problems.append(Problem(raw.origin, field, text, f"left empty: {why}"))
        elif not repair.is_plain(field, text.strip(), value):
            problems.append(Problem(raw.origin, field, text, f"read as {value}"))
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
        **{"date": "", "time": ""}
        | {field: value for field, value in values.items() if value is not None},  # type: ignore
    )
