"""Where audio files lie that are to be heard: in a folder of this machine, or at an address."""

from collections.abc import Iterator
from pathlib import Path

from birdml.dataset.addresses import Address, address_of, walk_address
from birdml.dataset.problems import Problem
from birdml.dataset.raw import HEAD, begins_as_audio, is_audio, told_by_suffix, walk
from birdml.errors import UserError
from birdml.files import shown, stamp_of

Place = Path | Address


def place_at(text: str | Path | Address) -> Place:
    """A path, or an address of a store."""
    if isinstance(text, (Path, Address)):
        return text
    return address_of(text) or Path(text)


def audio_below(source: Place, problems: list[Problem]) -> Iterator[tuple[str, Place]]:
    """Names below the source and places of all audio files, folder by folder; of a source that is
    a file, itself. What can't be read is added to the problems."""
    if isinstance(source, Address):
        one = source.file()
        if one is not None:
            yield source.name, one
            return
        for place in walk_address(source, problems):
            sounds = told_by_suffix(place.name)
            if begins_as_audio(place.head(HEAD)) if sounds is None else sounds:
                yield place.below, place
    elif source.is_dir():
        for path in walk(source, problems):
            if is_audio(path):
                yield path.relative_to(source).as_posix(), path
    elif source.is_file():
        yield source.name, source
    else:
        raise UserError(f"recordings: there is no file or folder '{source}'; name one that exists")


def find_audio(source: str | Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Audio files by their name below `source`, a folder or one file, and what of it can't be read.

    Raises UserError where there is neither.
    """
    source = Path(source)
    problems: list[Problem] = []
    found = {name: path for name, path in audio_below(source, problems) if isinstance(path, Path)}
    if not found:
        raise _no_audio(source, problems)
    return found, {problem.file: problem.done for problem in problems}


def check_audio(source: str | Path | Address) -> None:
    """Raises UserError where there is no audio; stops at the first file that is."""
    place, problems = place_at(source), list[Problem]()
    if next(audio_below(place, problems), None) is None:
        raise _no_audio(place, problems)


def _no_audio(source: Place, problems: list[Problem]) -> UserError:
    why = f" ({problems[0].file}: {problems[0].done})" if problems else ""
    away = isinstance(source, Address)
    what = f"'{source}' is not there, or" if away else f"the folder '{source}'"
    return UserError(f"recordings: {what} holds no audio files (WAV, FLAC, OGG, MP3, ...){why}")


def called(place: Place) -> str:
    """The whole path or address, as text."""
    return str(place) if isinstance(place, Address) else shown(str(place.absolute()))


def stamp_at(place: Place) -> str:
    """Size and change of a file, by which it is known again."""
    return place.stamp if isinstance(place, Address) else stamp_of(place)


def is_there(text: str) -> bool:
    """Whether the file lies there still of which `called` told."""
    place = place_at(text)
    return place.file() is not None if isinstance(place, Address) else place.exists()
