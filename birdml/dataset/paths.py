"""Names out of files that people give us: they name something below a folder, or nothing."""

import os
import re
import unicodedata
from pathlib import PurePosixPath

LONGEST_PART = 240  # bytes: most disks take 255, and what is written beside needs some


def contained(name: str) -> str | None:
    """A relative, normalised path that stays below its folder; None where a name is no such path.

    Absolute names, `..`, drive letters, backslashes, control characters, half characters
    (surrogates) and parts that no disk takes are refused.

    >>> contained("./2014/a.wav"), contained("a//b/./c.wav")
    ('2014/a.wav', 'a/b/c.wav')
    >>> [contained(n) for n in ("../a", "/a", "C:/a", "a\\\\b", "a\\0", "a/../../b", "", ".")]
    [None, None, None, None, None, None, None, None]
    """
    if not name or name.startswith("/") or "\\" in name or re.match(r"[A-Za-z]:", name):
        return None
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        return None
    path = PurePosixPath(name)
    if not path.parts or ".." in path.parts:
        return None
    if any(len(os.fsencode(part)) > LONGEST_PART for part in path.parts):
        return None
    return path.as_posix()
