"""A list of validation recordings, and which recordings its lines mean.

A line is the name of a recording: of the prepared one, or of its audio in the source, with folders
and suffix or without. A name without folders may fit several recordings: it means all of them, and
that is listed.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording
from birdml.errors import UserError

SUFFIX = re.compile(r"\.[A-Za-z0-9]{2,5}$")


def read_list(path: Path) -> list[str]:
    """The lines of a list. Raises UserError where it can't be read."""
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise UserError(f"cannot read the list '{path}': {error.strerror}") from None
    return [line for line in re.split(r"\r\n|\r|\n", text) if line.strip()]


def recordings_listed(
    lines: Sequence[str], recordings: Sequence[RawRecording], problems: list[Problem]
) -> frozenset[str]:
    """The `file` of every recording that a line means.

    The whole line is tried first, then what stands before the first tab, comma or semicolon; a
    line that begins with `#` and means nothing is a comment.
    """
    names = _Names(recordings)
    found: set[str] = set()
    for line in lines:
        for name in dict.fromkeys((line, line.strip(), re.split(r"[\t,;]", line)[0].strip())):
            meant = names.meant_by(name)
            if meant:
                break
        found.update(meant)
        if len(meant) > 1:
            shown = ", ".join(sorted(meant)[:5])
            what = f"the name fits several recordings, all are taken: {shown}"
            problems.append(Problem(line, "split", "valid", what))
        elif not meant and not line.lstrip().startswith("#"):
            problems.append(Problem(line, "split", "valid", "left out: listed, but not there"))
    return frozenset(found)


class _Names:
    def __init__(self, recordings: Sequence[RawRecording]):
        self._of_stem: dict[str, list[tuple[list[str], str]]] = defaultdict(list)
        for recording in recordings:
            for name in {recording.file, recording.audio_name} - {""}:
                parts = _parts(name)
                self._of_stem[parts[-1].casefold()].append((parts, recording.file))

    def meant_by(self, name: str) -> set[str]:
        """Files whose name, or whose audio's, ends with this one or is its end; the longest."""
        wanted = _parts(name)
        if not wanted:
            return set()
        best: dict[tuple[int, bool], set[str]] = defaultdict(set)
        for parts, file in self._of_stem.get(wanted[-1].casefold(), ()):
            count = min(len(parts), len(wanted))
            ours, theirs = parts[-count:], wanted[-count:]
            if [p.casefold() for p in ours] == [p.casefold() for p in theirs]:
                best[count, ours == theirs].add(file)
        return best[max(best)] if best else set()


def _parts(name: str) -> list[str]:
    name = unicodedata.normalize("NFC", name).replace("\\", "/").removeprefix("./").strip("/")
    return SUFFIX.sub("", name).split("/") if name else []
