"""Which names of recordings mean the same one, though they come from different machines."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from birdml.dataset.raw import AUDIO_SUFFIXES

TABLES = re.compile(  # how tools call the table of a recording
    r"(?:\.Table\.\d+)?(?:\.BirdNET)?(?:[._](?:selections?|selection\.table|labels?|results?|"
    r"annotations?|detections?|predictions?|kaleidoscope|raven|audacity|r))*\.(?:txt|csv|tsv)",
    re.IGNORECASE,
)


def recording_of(table: str) -> str:
    """The recording that a table is about, by the table's name.

    >>> recording_of("a/rec.1.Table.1.selections.txt"), recording_of("rec.BirdNET.results.csv")
    ('a/rec.1', 'rec')
    """
    found = next((m for m in TABLES.finditer(table) if m.end() == len(table)), None)
    return table[: found.start()] if found and found.start() else table


def parts_of(name: str) -> tuple[str, ...]:
    """Folders and name without the suffix of an audio file, as they are compared."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").casefold()
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if parts:
        stem, dot, suffix = parts[-1].rpartition(".")
        if stem and f"{dot}{suffix}" in AUDIO_SUFFIXES:
            parts[-1] = stem
    return tuple(parts)


def same(names: Sequence[str]) -> list[int]:
    """For each name the place of the first that means the same recording.

    Names are the same but for case, suffix and the folders before: `rec.wav` is `site/rec.wav`
    where there is no other `rec`.
    """
    places = [parts_of(name) for name in names]
    order = sorted(range(len(names)), key=lambda place: (-len(places[place]), place))
    kept: dict[str, list[int]] = defaultdict(list)
    result = list(range(len(names)))
    for place in order:
        parts = places[place]
        if not parts:
            continue
        fits = [other for other in kept[parts[-1]] if places[other][-len(parts) :] == parts]
        if len(fits) == 1 or (fits and places[fits[0]] == parts):
            result[place] = fits[0]
        else:
            kept[parts[-1]].append(place)
    return result


def match(names: Sequence[str], known: Sequence[str]) -> tuple[list[int], dict[str, list[str]]]:
    """For each name the place of the recording in `known` that it means, or -1.

    The one that shares the most folders before the name is meant, if the shared ones are all that
    either has, or include a folder, or no other recording of either side is called so. Returns
    also the names that could mean several, with these.
    """
    of_stem: dict[str, list[tuple[tuple[str, ...], int]]] = defaultdict(list)
    for place, name in enumerate(known):
        if parts := parts_of(name):
            of_stem[parts[-1]].append((parts, place))
    ours = [parts_of(name) for name in names]
    count = Counter(parts[-1] for parts in ours if parts)
    result, several = [], {}
    for name, parts in zip(names, ours, strict=True):
        candidates = of_stem.get(parts[-1], []) if parts else []
        shared = [_shared_end(parts, theirs) for theirs, _ in candidates]
        best = [c for c, s in zip(candidates, shared) if s == max(shared)]
        if len(best) > 1:
            several[name] = [known[place] for _, place in best]
        elif best and (
            max(shared) in (len(parts), len(best[0][0]))
            or max(shared) > 1
            or (len(candidates) == 1 and count[parts[-1]] == 1)
        ):
            result.append(best[0][1])
            continue
        result.append(-1)
    return result, several


def _shared_end(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    count = 0
    while count < min(len(a), len(b)) and a[-1 - count] == b[-1 - count]:
        count += 1
    return count
