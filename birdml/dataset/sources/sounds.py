"""Which audio file belongs to which row: each file to the one row that names it best."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

SUFFIX = re.compile(r"\.[A-Za-z0-9]{2,5}$")
NUMBERED = (  # as xeno-canto and the R package warbleR name downloads
    re.compile(r"\s*xc[ _-]?(\d+)(?!\d).*", re.IGNORECASE | re.DOTALL),
    re.compile(r"[A-Z][a-z]+[-_][a-z]+[-_](\d+)"),
    re.compile(r"(\d+)"),
)


def xeno_canto_number(text: str) -> str:
    """The number of a recording at xeno-canto out of an id or a file's stem; '' if none.

    >>> [xeno_canto_number(t) for t in ("XC11-Jay call", "xc 12", "13", "Turdus-merula-14", "a15")]
    ['11', '12', '13', '14', '']
    """
    return next((m[1] for form in NUMBERED if (m := form.fullmatch(text))), "")


@dataclass(frozen=True)
class RowAudio:
    """The audio of a row, or why it has none."""

    path: Path | None
    reason: str = ""


class Sounds:
    """The audio files of a source."""

    def __init__(self, paths: Sequence[Path], base: Path):
        self.paths = {p.relative_to(base).as_posix(): p for p in paths}
        self._of_stem: dict[str, list[str]] = defaultdict(list)
        self._of_number: dict[str, list[str]] = defaultdict(list)
        for relative in self.paths:
            stem = SUFFIX.sub("", PurePosixPath(relative).name)
            self._of_stem[_folded(stem)].append(relative)
            if number := xeno_canto_number(stem):
                self._of_number[number].append(relative)
        self._used: set[str] = set()

    def of_rows(
        self, names: Sequence[str], ids: Sequence[str], class_ids: Sequence[str]
    ) -> list[RowAudio]:
        """For each of N rows, by the name of its file, its id and its class id (or ''), the sound.

        A name fits a file if one is the end of the other's path: the more parts they share the
        better, then the same case, then the same suffix. Files of equal rank for one row, and
        rows of equal rank for one file, leave the row without sound, with the reason.
        """
        best: list[list[str]] = []
        rank: dict[tuple[int, str], tuple] = {}
        for row, (name, own_id, class_id) in enumerate(zip(names, ids, class_ids, strict=True)):
            fits = self._fitting(name, own_id, class_id)
            for relative, how in fits.items():
                rank[row, relative] = how
            top = max(fits.values(), default=None)
            best.append([relative for relative, how in fits.items() if how == top])
        claims: dict[str, list[int]] = defaultdict(list)
        for row, found in enumerate(best):
            if len(found) == 1:
                claims[found[0]].append(row)
        result: list[RowAudio] = []
        for row, found in enumerate(best):
            if not found:
                result.append(RowAudio(None, "no audio: there is no such file"))
            elif len(found) > 1:
                shown = ", ".join(sorted(found)[:5])
                result.append(RowAudio(None, f"no audio: several files fit: {shown}"))
            else:
                rivals = claims[found[0]]
                top = max(rank[other, found[0]] for other in rivals)
                winners = [other for other in rivals if rank[other, found[0]] == top]
                if winners == [row]:
                    self._used.add(found[0])
                    result.append(RowAudio(self.paths[found[0]]))
                elif row in winners:
                    result.append(
                        RowAudio(None, f"no audio: {len(winners)} rows name {found[0]} alike")
                    )
                else:
                    what = f"no audio: {found[0]} belongs to another row, which names it better"
                    result.append(RowAudio(None, what))
        return result

    def unused(self) -> list[str]:
        """The files that no row took."""
        return sorted(self.paths.keys() - self._used)

    def _fitting(self, name: str, own_id: str, class_id: str) -> dict[str, tuple]:
        """Files that may be meant, and how well each fits; larger is better."""
        name = unicodedata.normalize("NFC", name.replace("\\", "/").removeprefix("./"))
        stem = SUFFIX.sub("", PurePosixPath(name).name)
        found: dict[str, tuple] = {}
        for relative in self._of_stem.get(_folded(stem), ()) if stem else ():
            own = unicodedata.normalize("NFC", relative)
            shared = _shared_end(SUFFIX.sub("", own), SUFFIX.sub("", name))
            if shared:
                in_folder = class_id and _folded(PurePosixPath(own).parent.name) == _folded(
                    class_id
                )
                exact = SUFFIX.sub("", own).endswith(stem)
                same_suffix = own.casefold().endswith(name.casefold())
                found[relative] = (1, shared, bool(in_folder), same_suffix, exact)
        number = xeno_canto_number(own_id)
        of_id = [*self._of_number.get(number, ())] if number else []
        of_id += self._of_stem.get(_folded(own_id), ()) if own_id else ()
        for relative in of_id:
            found.setdefault(relative, (0, 0, False, False, False))
        return found


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _shared_end(a: str, b: str) -> int:
    """How many parts two paths share if one is the end of the other; else 0."""
    ours, theirs = (_folded(path).strip("/").split("/") for path in (a, b))
    count = min(len(ours), len(theirs))
    return count if ours[-count:] == theirs[-count:] else 0
