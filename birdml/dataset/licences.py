"""Licences of recordings: one name for each, however a source writes it, and how many have it."""

import re
from collections import Counter
from collections.abc import Iterable

NOT_SAID = "not said"
MOST = 12  # licences counted by name
LONGEST = 80  # characters of a name that is taken as it stands

_VERSION = r"(?P<version>\d[._]\d)"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf".*creativecommons\.org/(?:licenses|publicdomain)/(?P<terms>[a-z-]+)(?:/{_VERSION})?.*",
        rf"cc[ _-]*(?P<terms>0|by(?:[ _-]+(?:nc|nd|sa))*)(?:[ _-]+v?{_VERSION})?",
        r"(?:creative commons )?(?P<terms>attribution(?:[ /-]+(?:non-?commercial|no-?deriv\w*|"
        rf"share-?alike))*)(?: {_VERSION})?(?: international| unported)?(?: licen[cs]e)?",
    )
)
_PARTS = (("nc", "nc", "commercial"), ("sa", "sa", "alike"), ("nd", "nd", "deriv"))


def licence_name(text: str) -> str:
    """The usual short name of a Creative Commons licence; another one as it is written.

    >>> licence_name("//creativecommons.org/licenses/by-nc-sa/4.0/")
    'CC BY-NC-SA 4.0'
    >>> licence_name("Creative Commons Attribution-NonCommercial-ShareAlike 3.0")
    'CC BY-NC-SA 3.0'
    >>> licence_name("CC_BY_NC_4_0"), licence_name("all  rights reserved"), licence_name(" ")
    ('CC BY-NC 4.0', 'all rights reserved', 'not said')
    """
    plain = " ".join(text.split())
    for form in _FORMS:
        found = form.fullmatch(plain.casefold())
        if found is None:
            continue
        terms, version = found["terms"], (found["version"] or "").replace("_", ".")
        if terms in ("0", "zero", "mark"):
            name = "public domain" if terms == "mark" else "CC0"
        else:
            parts = [part for part, short, long in _PARTS if _has(terms, short, long)]
            name = "-".join(("CC BY", *(part.upper() for part in parts)))
        return f"{name} {version}".strip()
    return plain[:LONGEST] or NOT_SAID


def _has(terms: str, short: str, long: str) -> bool:
    return short in re.split(r"[ _-]+", terms) or long in terms


def counted(licences: Iterable[str]) -> list[str]:
    """How many recordings have each licence, the most frequent first; [] where none is known.

    >>> counted(["cc-by", "", "CC BY", "CC0"])
    ['CC BY: 2', 'CC0: 1', 'not said: 1']
    """
    counts = Counter(map(licence_name, licences))
    if not counts.keys() - {NOT_SAID}:
        return []
    ranked = sorted(counts.items(), key=lambda item: (item[0] == NOT_SAID, -item[1], item[0]))
    told = [f"{name}: {count}" for name, count in ranked[:MOST]]
    if len(ranked) > MOST:
        told.append(f"{len(ranked) - MOST} others: {sum(count for _, count in ranked[MOST:])}")
    return told
