"""One folder of audio files per species; the folder's name is the class id.

Files beside the species' folders are unlabelled recordings: they become soundscapes to predict.
"""

import re
from pathlib import Path

from birdml.dataset.names import means_nothing, names_no_species, one_spelling
from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording, Source, is_audio, safe_name, walk
from birdml.dataset.recorders import recorded_at

LATIN = re.compile(r"([A-Z][a-z]+)[ _]([a-z]+(?:[ _][a-z]+)?)")


def recognise(folder: Path) -> str | None:
    """Why a folder is taken for this layout, or None."""
    if not folder.is_dir():
        return None
    sounds = [path for path in walk(folder, []) if is_audio(path)]
    species = sorted({p.relative_to(folder).parts[0] for p in sounds if p.parent != folder})
    if species:
        return f"it holds folders of audio files such as '{species[0]}'"
    return f"it holds {len(sounds)} audio files and no metadata" if sounds else None


def read(folder: Path) -> Source:
    """All audio files; the first folder below the source tells the species."""
    problems: list[Problem] = []
    recordings = []
    for path in walk(folder, problems):
        if not is_audio(path):
            continue
        *folders, _ = path.relative_to(folder).parts
        name = path.relative_to(folder).as_posix()
        noise = bool(folders) and means_nothing(folders[0])
        if folders and not noise and names_no_species(folders[0]):
            problems.append(Problem(name, "species", folders[0], "left out: no species"))
            continue
        latin = LATIN.fullmatch(folders[0]) if folders else None
        recorded = recorded_at(path.stem)
        if recorded.remark:
            problems.append(Problem(name, "date", path.stem, f"left empty: {recorded.remark}"))
        where = [safe_name(f) for f in folders] or ["soundscapes", "test"]
        recordings.append(
            RawRecording(
                file="/".join((*where, f"{safe_name(path.stem)}.wav")),
                origin=name,
                audio=path,
                split="" if folders else "soundscapes_test",
                class_id=safe_name(folders[0]) if folders and not noise else "",
                latin=f"{latin[1]} {latin[2].replace('_', ' ')}" if latin else "",
                fields={"date": recorded.date, "time": recorded.time},
                noise=noise,
            )
        )
    one_spelling(recordings, problems)
    return Source("folders", recordings, problems)
