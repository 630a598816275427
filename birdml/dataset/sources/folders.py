"""One folder of audio files per species; the folder's name is the class id.

Files beside the species' folders are unlabelled recordings: they become soundscapes to predict.
"""

import re
from pathlib import Path

from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording, Source, is_audio, safe_name, walk

NO_SPECIES = frozenset(
    {"noclass", "nocall", "nobird", "noise", "silence", "unknown", "unlabelled", "unlabeled"}
)
LATIN = re.compile(r"([A-Z][a-z]+)[ _]([a-z]+(?:[ _][a-z]+)?)")
RECORDED = re.compile(r"_(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)\d\d(?!\d)")  # as recorders name files


def recognise(folder: Path) -> str | None:
    """Why a folder is taken for this layout, or None."""
    if not folder.is_dir():
        return None
    sounds = [path for path in walk(folder, []) if is_audio(path)]
    species = sorted({p.relative_to(folder).parts[0] for p in sounds if p.parent != folder})
    if species:
        return f"it holds folders of audio files such as '{species[0]}'"
    return f"it holds {len(sounds)} audio files and no metadata" if sounds else None


def names_no_species(name: str) -> bool:
    return re.sub(r"[\W_]", "", name.lower()) in NO_SPECIES


def read(folder: Path) -> Source:
    """All audio files; the first folder below the source tells the species."""
    problems: list[Problem] = []
    recordings = []
    for path in walk(folder, problems):
        if not is_audio(path):
            continue
        *folders, _ = path.relative_to(folder).parts
        name = path.relative_to(folder).as_posix()
        if folders and names_no_species(folders[0]):
            problems.append(Problem(name, "species", folders[0], "left out: no species"))
            continue
        latin = LATIN.fullmatch(folders[0]) if folders else None
        recorded = RECORDED.search(path.stem)
        fields = {}
        if recorded:
            year, month, day, hour, minute = recorded.groups()
            fields = {"date": f"{year}-{month}-{day}", "time": f"{hour}:{minute}"}
        where = [safe_name(f) for f in folders] or ["soundscapes", "test"]
        recordings.append(
            RawRecording(
                file="/".join((*where, f"{safe_name(path.stem)}.wav")),
                origin=name,
                audio=path,
                split="" if folders else "soundscapes_test",
                class_id=safe_name(folders[0]) if folders else "",
                latin=f"{latin[1]} {latin[2].replace('_', ' ')}" if latin else "",
                fields=fields,
            )
        )
    return Source("folders", recordings, problems)
