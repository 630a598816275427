"""Names of species as people write them: one spelling of each, and names that name no species.

Names of the foreground and of the background go through the same cleaning, so that they meet.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from birdml.dataset.problems import Problem
from birdml.dataset.raw import RawRecording

NOTHING_LABELS = frozenset(  # labels of recordings in which nothing sings
    "noise noclass nocall nocalls nobird nobirds silence silent background backgroundnoise none "
    "nothing empty nospecies novocalization novocalisation negative".split()
)
UNKNOWN = frozenset(  # names that say that a species is not known, or not told
    "unknown unidentified unlabelled unlabeled undetermined indet mystery mysterymystery "
    "identityunknown unknownbird unknownspecies sonus sonusnaturalis soundscape soundscapes "
    "na nan nil null missing naturalsoundscape other".split()
)
NO_EPITHET = frozenset("sp spp spec species indet mystery na nan none null unknown".split())
AUTHOR = frozenset("ex de del von van der den in et and cf aff x".split())  # no subspecies
WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*\.?")


def plain(text: str) -> str:
    """A text in composed form (NFC), its blanks single."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def means_nothing(text: str) -> bool:
    """Whether a label says that nothing sings.

    >>> means_nothing("No Call"), means_nothing("noise_2"), means_nothing("Noisy Miner")
    (True, True, False)
    """
    return _letters(text) in NOTHING_LABELS


def names_no_species(text: str) -> bool:
    """Whether a text names no species: empty, unknown, a genus alone with `sp.`.

    >>> [names_no_species(t) for t in ("Turdus sp.", "_", "NA", "Mystery mystery", "Pica pica")]
    [True, True, True, True, False]
    """
    words = [word.strip(".").casefold() for word in re.split(r"[\s_]+", plain(text)) if word]
    if not _letters(text):
        return not re.search(r"\d", text)
    return _letters(text) in UNKNOWN or (len(words) > 1 and words[1] in NO_EPITHET)


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalpha())


@dataclass(frozen=True)
class LatinName:
    """Genus and epithet, and the name of a subspecies if there is one."""

    binomial: str
    subspecies: str = ""


@lru_cache(maxsize=1 << 16)  # a table holds each name many times
def latin_name(text: str) -> LatinName | None:
    """A Latin name without author, in its usual case; None where a text holds none.

    A common name beside it, as BirdNET and eBird write them, is left out.

    >>> latin_name("Turdus merula (Linnaeus, 1758)")
    LatinName(binomial='Turdus merula', subspecies='')
    >>> latin_name("TURDUS MERULA MERULA").subspecies
    'merula'
    >>> latin_name("Turdus merula_Eurasian Blackbird") == latin_name("Blackbird - Turdus merula")
    True
    >>> latin_name("Great Tit"), latin_name("Turdus sp."), latin_name("houspa")
    (None, None, None)
    """
    text = plain(text)
    parts = text.split("_") + re.split(r" [-–] ", text)[::-1]
    for part in (*parts, text.replace("_", " ")):
        if (found := _binomial(plain(part))) is not None:
            return found
    return None


def _binomial(text: str) -> LatinName | None:
    text = re.sub(r"^(\S+) \([^\W\d_]+\) ", r"\1 ", text)  # a subgenus
    words = text.split()
    if len(words) < 2 or not all(WORD.fullmatch(word) for word in words[:2]):
        return None
    if text == text.upper():
        words = text.lower().split()
    genus, epithet, *rest = words
    if "." in genus + epithet or epithet in NO_EPITHET or epithet != epithet.lower():
        return None
    subspecies = ""
    third = rest[0] if rest else ""
    if re.fullmatch(r"(?:ssp|subsp|var)\.?", third) and len(rest) > 1:
        third = rest[1]
    if WORD.fullmatch(third) and third == third.lower() and third.strip(".") not in AUTHOR:
        subspecies = third.strip(".")
    return LatinName(f"{genus[0].upper()}{genus[1:].lower()} {epithet}", subspecies)


def one_spelling(recordings: Sequence[RawRecording], problems: list[Problem]) -> None:
    """Gives every species of a source one spelling, in the foreground and in the background.

    Latin names lose author and common name. Class ids that differ only in case, blanks, author or
    common name become the one used most. A subspecies becomes its species where that is there too.
    Every spelling that is changed into another is listed.
    """
    ids = Counter(r.class_id for r in recordings if r.class_id)
    latin = Counter(r.latin for r in recordings if r.latin)
    keys = {name: _key(name) for name in (*ids, *latin)}
    there = set(keys.values())
    keys = {name: _species_of(key, there) for name, key in keys.items()}
    most_used: dict[str, str] = {}
    for name, _ in sorted(ids.items(), key=lambda item: (-item[1], item[0])):
        most_used.setdefault(keys[name], name)
    usual = {keys[name]: _usual(name, keys[name]) for name in latin}

    def background(name: str) -> str:
        key = _species_of(_key(name), there)
        return usual.get(key) or most_used.get(key) or _usual(plain(name), key)

    for recording in recordings:
        if recording.class_id:
            recording.class_id = most_used[keys[recording.class_id]]
        if recording.latin:
            recording.latin = usual[keys[recording.latin]]
        recording.background = tuple(dict.fromkeys(map(background, recording.background)))
    changed = {(name, most_used[keys[name]]): count for name, count in ids.items()}
    changed |= {(name, usual[keys[name]]): count for name, count in latin.items()}
    for (name, becomes), count in sorted(changed.items()):
        if name != becomes:
            what = f"read as {becomes}, in {count} recordings"
            problems.append(Problem("species", "species", name, what))


def _key(name: str) -> str:
    """What spellings of one name share; of Latin names genus, epithet and subspecies."""
    found = latin_name(name)
    if found is not None:
        return f"{found.binomial} {found.subspecies}".strip().casefold()
    return re.sub(r"[\s,_]+", "_", plain(name)).casefold()


def _species_of(key: str, there: Collection[str]) -> str:
    """Of a subspecies its species, if that is among the keys."""
    species = " ".join(key.split(" ")[:2])
    return species if species in there else key


def _usual(name: str, key: str) -> str:
    found = latin_name(name)
    return name if found is None else f"{key[0].upper()}{key[1:]}"
